"""Figures and the one-file HTML report. Draws what others computed, and knows no market.

Every figure function takes a `title` and what to draw on: `ax`, or an array `axes` where it has several panels; without
them it makes a figure of its own. It returns what it drew on. `period` names the steps of the time axis and `real_name`
the real series in the legend.
"""

from simcal.report.dependence import plot_autocorrelation, plot_tails
from simcal.report.equilibrium import plot_agents_over_time, plot_over_time, plot_residuals
from simcal.report.html import Picture, Section, Table, embed_figure, write_report
from simcal.report.paths import plot_path_with_demand, plot_same_noise
from simcal.report.prices import plot_log_returns, plot_price_paths
from simcal.report.tables import format_number
from simcal.report.trading import plot_inventory, plot_profit_fan, plot_profit_frontier, plot_shifted_margins
from simcal.report.trading_impact import plot_impact_law, plot_impact_over_time
from simcal.report.trading_orders import plot_capacity, plot_drawdowns, plot_path_distributions
from simcal.report.training import plot_convergence, plot_losses, plot_parameters
from simcal.report.verdicts import plot_errors_against_bound, plot_fact_bands, plot_ladder

__all__ = [
    "Picture",
    "Section",
    "Table",
    "embed_figure",
    "format_number",
    "plot_agents_over_time",
    "plot_autocorrelation",
    "plot_capacity",
    "plot_convergence",
    "plot_drawdowns",
    "plot_errors_against_bound",
    "plot_fact_bands",
    "plot_impact_law",
    "plot_impact_over_time",
    "plot_inventory",
    "plot_ladder",
    "plot_log_returns",
    "plot_losses",
    "plot_over_time",
    "plot_parameters",
    "plot_path_distributions",
    "plot_path_with_demand",
    "plot_price_paths",
    "plot_profit_fan",
    "plot_profit_frontier",
    "plot_residuals",
    "plot_same_noise",
    "plot_shifted_margins",
    "plot_tails",
    "write_report",
]
