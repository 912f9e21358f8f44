"""The figures of a recovery: every estimate is drawn, titles and units are there."""

import numpy as np
import pandas as pd

from simcal.report.recovery import plot_directions, plot_recovered


def test_every_estimate_stands_in_the_panel_of_its_parameter_with_its_unit():
    table = pd.DataFrame(
        {
            "parameter": ["a", "a", "a", "b", "b", "b"],
            "method": ["moments", "moments", "adversarial"] * 2,
            "estimate": [1.0, 2.0, 3.0, -1.0, -2.0, -3.0],
            "truth": [1.5] * 3 + [-1.5] * 3,
            "standard error": [0.5, 0.5, 100.0] * 2,
        }
    )
    grid = plot_recovered(table, units={"a": "1/step"}, title="What was found")
    assert [panel.get_title(loc="left") for panel in grid.flat] == ["a", "b"]
    assert grid[0, 0].get_ylabel() == "value (1/step)"
    assert grid[0, 0].figure.get_suptitle() == "What was found"
    drawn = np.concatenate([line.get_ydata() for line in grid[0, 0].lines if line.get_marker() == "o"])
    np.testing.assert_array_equal(np.sort(drawn), [1.0, 2.0, 3.0])
    low, high = grid[0, 0].get_ylim()
    assert high - low < 10  # one huge standard error does not squeeze the estimates


def test_directions_show_their_components_and_standard_errors():
    table = pd.DataFrame(
        {"method": ["moments"] * 2, "standard error (%)": [1849.2, 3.44], "a": [0.8, -0.6], "b": [0.6, 0.8]}
    )
    (panel,) = plot_directions(table, ["a", "b"]).flat
    assert [text.get_text() for text in panel.texts] == ["+0.80", "+0.60", "-0.60", "+0.80"]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["1849 %", "3.4 %"]
    assert "relative change" in panel.get_xlabel()
