"""The report is one file that needs nothing else, and says what it was told."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from simcal import report
from simcal.errors import ParameterError

sys.path.insert(0, str(Path(__file__).parent))
import report_sample as sample


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    sample.write_sample(path)
    return path.read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(source):
    page = Page(source)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert all(attrs["src"].startswith("data:image/") for tag, attrs in page.tags if tag == "img")
    assert all(attrs["href"].startswith("#") for tag, attrs in page.tags if tag == "a")
    assert not re.search(r"https?:|@import|url\(", source)


def test_the_file_stays_small(source):
    assert len(source) < 4e6


def test_contents_lead_to_every_section(source):
    page = Page(source)
    anchors = {attrs["id"] for tag, attrs in page.tags if tag == "section"}
    assert {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"} == anchors
    assert len(anchors) == 5


def test_text_is_escaped_and_shown_as_written(source):
    assert "<good>" not in source
    assert "The fit is <good> & honest." in Page(source).text


def test_booleans_become_marks_and_pictures_have_names(source):
    page = Page(source)
    assert "✓ pass" in page.text
    assert "✗ fail" in page.text
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == len(sample.drawings())
    assert all(attrs["alt"] and attrs["alt"] != "Figure" for attrs in images)


def test_the_same_results_make_the_same_file(tmp_path, source):
    sample.write_sample(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == source


def test_a_figure_of_very_many_points_is_embedded_as_png():
    figure = Figure()
    ax = figure.subplots()
    ax.plot(np.random.default_rng(0).standard_normal(60_000), ".")
    assert report.embed_figure(ax).startswith("data:image/png")
    assert report.embed_figure(Figure()).startswith("data:image/svg+xml")


def test_an_empty_section_and_an_empty_table_are_shown(tmp_path):
    empty = report.Table(pd.DataFrame({"fact": []}), "Nothing yet")
    path = report.write_report(tmp_path / "r.html", "T", [report.Section("S", tables=[empty])])
    assert "Nothing yet" in path.read_text(encoding="utf-8")


def test_two_sections_of_one_heading_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="headed 'S'"):
        report.write_report(tmp_path / "r.html", "T", [report.Section("S"), report.Section("S")])
    with pytest.raises(ParameterError, match="given a str"):
        report.embed_figure("not a figure")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (0.012345, "0.0123"),
        (-22.008, "−22.0"),
        (8.1692, "8.17"),
        (116.189, "116.2"),
        (12345.6, "12,346"),
        (5030, "5,030"),
        (-7, "−7"),
        (1.5e-7, "1.50e−07"),
        (float("nan"), "n/a"),
        (None, "n/a"),
        (float("-inf"), "−∞"),
        ("text", "text"),
        (np.float64(0.5), "0.500"),
        (True, "yes"),
    ],
)
def test_numbers_are_written_with_three_significant_digits(value, text):
    assert report.format_number(value) == text


def test_bands_are_written_in_one_way():
    nothing = float("nan")
    assert report.banded(1.234, 1.0, 1.5) == "1.23 (1.00 to 1.50)"
    assert report.banded(1.234, nothing, nothing) == "1.23"
    assert report.banded(-0.001, -0.5, 0.5, report.two_decimals) == "0.00 (-0.50 to 0.50)"
    assert report.span(0.5, 1.25, report.two_decimals, "..") == "0.50..1.25"
    assert report.span(nothing, nothing) == ""
    assert report.give_or_take(1.234, 1.5) == "1.23 ± 0.27"
    assert report.give_or_take(0.5, nothing, report.two_decimals) == "0.50"
    assert report.two_decimals(nothing) == ""
    assert report.whole_percent(0.123) == "12%"
    table = pd.DataFrame({"value": [1, 2.5], "low": [0, 2], "high": [2, 3]})
    assert report.cells(report.banded, table, "value", "low", "high") == ["1.00 (0.0 to 2.00)", "2.50 (2.00 to 3.00)"]


class Result:
    """The least that a report asks of a result."""

    def sections(self) -> list[report.Section]:
        return [report.Section("Words", ["said"]), report.Section("Drawn", figures=[report.Picture(Figure())])]

    def page(self) -> report.Page:
        return report.Page("A result", self.sections(), "in short", {"number": 3}, {"seed": 7})


def test_a_result_is_written_as_what_it_shows_of_itself(tmp_path):
    text = Page(report.write_report(Result(), tmp_path / "r.html").read_text(encoding="utf-8")).text
    for words in ("A result", "in short", "number", "said", "Drawn", "seed"):
        assert words in text


def test_a_figure_of_a_result_is_found_by_its_section():
    assert isinstance(report.figure_in(Result().sections(), "Drawn"), Figure)
    with pytest.raises(ParameterError, match="no figure 1 of 'Drawn'; there are 1 of 'Drawn'"):
        report.figure_in(Result().sections(), "Drawn", 1)
    with pytest.raises(ParameterError, match="no figure 0 of 'Words'"):
        report.figure_in(Result().sections(), "Words")
