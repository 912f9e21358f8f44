"""Figures and the one-file HTML report. Draws what others computed, and knows no market."""

from simcal.report.dependence import plot_autocorrelation, plot_tails
from simcal.report.html import Picture, Section, Table, embed_figure, write_report
from simcal.report.paths import plot_path_with_demand, plot_same_noise
from simcal.report.prices import plot_log_returns, plot_price_paths
from simcal.report.tables import format_number
from simcal.report.training import plot_convergence, plot_losses, plot_parameters
from simcal.report.verdicts import plot_errors_against_bound, plot_fact_bands, plot_ladder

__all__ = [
    "Picture",
    "Section",
    "Table",
    "embed_figure",
    "format_number",
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
    "plot_same_noise",
    "plot_tails",
    "write_report",
]
