"""Figures and the one-file HTML report. Draws what others computed, and knows no market.

Every figure function takes a `title` and what to draw on: `ax`, or an array `axes` where it has several panels; without
them it makes a figure of its own. It returns what it drew on. `period` names the steps of the time axis and `real_name`
the real series in the legend.
"""

from simcal.report.html import Page, Picture, Section, Table, embed_figure, figure_in, write_report
from simcal.report.paths import plot_path_with_demand, plot_same_noise
from simcal.report.series import plot_autocorrelation, plot_log_returns, plot_price_paths, plot_tails
from simcal.report.shapes import draw_band, draw_compared, draw_fan, draw_histograms, draw_zero, plot_profit_fan
from simcal.report.tables import banded, cells, format_number, give_or_take, span, two_decimals, whole_percent
from simcal.report.training import plot_convergence, plot_losses, plot_parameters
from simcal.report.verdicts import plot_errors_against_bound, plot_fact_bands, plot_ladder

__all__ = [
    "Page",
    "Picture",
    "Section",
    "Table",
    "banded",
    "cells",
    "draw_band",
    "draw_compared",
    "draw_fan",
    "draw_histograms",
    "draw_zero",
    "embed_figure",
    "figure_in",
    "format_number",
    "give_or_take",
    "plot_autocorrelation",
    "plot_convergence",
    "plot_errors_against_bound",
    "plot_fact_bands",
    "plot_ladder",
    "plot_log_returns",
    "plot_losses",
    "plot_parameters",
    "plot_path_with_demand",
    "plot_price_paths",
    "plot_profit_fan",
    "plot_same_noise",
    "plot_tails",
    "span",
    "two_decimals",
    "whole_percent",
    "write_report",
]
