"""The report: one HTML file with everything in it, to be opened from disk without a network."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simcal.errors import ParameterError
from simcal.files import write_atomically
from simcal.report.style import house_style
from simcal.report.tables import format_number

_LARGEST_SVG = 350_000  # bytes; above, a picture of points is smaller and opens faster
_DOTS_PER_INCH = 170


@dataclass(frozen=True)
class Picture:
    """A figure with the sentence below it; `drawing` is what a figure function returned (or its Figure)."""

    drawing: Any
    caption: str = ""


@dataclass(frozen=True)
class Table:
    """A frame with the sentence above it. Booleans become marks of pass and fail; the index is not shown."""

    frame: pd.DataFrame
    caption: str = ""
    digits: int = 3


@dataclass(frozen=True)
class Section:
    """A heading, plain paragraphs (no markup), then tables, then figures; all but the heading may be missing."""

    heading: str
    prose: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Picture] = ()


@dataclass(frozen=True)
class Page:
    """A report before it is written: what stands at its head, its sections, and what stands at its foot.

    Parameters
    ----------
    title, subtitle
        The heading of the page, and a sentence under it.
    sections
        In order; their headings make the table of contents.
    key_numbers
        Label to value for the box on top; values are text, numbers or booleans (pass and fail).
    provenance
        Versions, seed and hashes for the foot of the page.
    """

    title: str
    sections: Sequence[Section]
    subtitle: str = ""
    key_numbers: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] | None = None


def write_report(result: Any, path: Any, sections: Sequence[Section] | None = None, **more: Any) -> Path:
    """Write what a result shows of itself into one self-contained HTML file.

    Parameters
    ----------
    result
        Anything with ``page()``, such as a `Backtest`, or a `Page`.
    path
        The file, usually ``report.html`` in a folder of results.
    sections, **more
        Of a report that is no result: ``write_report(path, title, sections, ...)`` with the fields of a `Page`.

    Returns
    -------
    The file's path.

    Raises
    ------
    ParameterError
        Two sections share a heading.
    DataError
        The file cannot be written.
    """
    if sections is not None:
        result, path = Page(path, sections, **more), result
    page = result if isinstance(result, Page) else result.page()
    headings = [section.heading for section in page.sections]
    repeated = next((heading for heading in headings if headings.count(heading) > 1), None)
    if repeated is not None:
        raise ParameterError(f"Two sections of the report are headed '{repeated}'. Give each its own heading.")
    template = files("simcal.report").joinpath("template.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = environment.from_string(template).render(
        title=page.title,
        subtitle=page.subtitle,
        key_numbers={label: _cell(value, 3) for label, value in (page.key_numbers or {}).items()},
        provenance={label: str(value) for label, value in (page.provenance or {}).items()},
        sections=[_rendered(section, number) for number, section in enumerate(page.sections, start=1)],
    )
    return write_atomically(path, text)


def figure_in(sections: Sequence[Section], heading: str, number: int = 0) -> Figure:
    """A figure of the section with this heading, for those who look at a result without its report.

    Raises
    ------
    ParameterError
        There is no such section, or it has not so many figures.
    """
    drawn = {section.heading: section.figures for section in sections if section.figures}
    try:
        return _figure_of(drawn[heading][number].drawing)
    except (KeyError, IndexError):
        have = ", ".join(f"{len(figures)} of '{name}'" for name, figures in drawn.items())
        raise ParameterError(f"There is no figure {number} of {heading!r}; there are {have}.") from None


def embed_figure(drawing: Any) -> str:
    """A figure as a data URI: SVG, or PNG where the SVG would be large."""
    figure = _figure_of(drawing)
    with house_style():
        vector = io.BytesIO()
        figure.savefig(vector, format="svg", metadata={"Date": None, "Creator": None})
        if len(vector.getvalue()) <= _LARGEST_SVG:
            return "data:image/svg+xml;base64," + base64.b64encode(vector.getvalue()).decode()
        raster = io.BytesIO()
        figure.savefig(raster, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(raster.getvalue()).decode()


def _rendered(section: Section, number: int) -> dict[str, Any]:
    tables = [
        {
            "caption": table.caption,
            "columns": [str(column) for column in table.frame.columns],
            "rows": [[_cell(value, table.digits) for value in row] for row in table.frame.itertuples(index=False)],
        }
        for table in section.tables
    ]
    figures = [
        {"image": embed_figure(picture.drawing), "caption": picture.caption, "title": _title_of(picture.drawing)}
        for picture in section.figures
    ]
    found = {"anchor": f"section-{number}", "heading": section.heading, "prose": list(section.prose)}
    return found | {"tables": tables, "figures": figures}


def _cell(value: Any, digits: int) -> dict[str, str]:
    if isinstance(value, (bool, np.bool_)):
        return {"text": "✓ pass" if value else "✗ fail", "kind": "pass" if value else "fail"}
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    return {"text": format_number(value, digits), "kind": "number" if is_number else "text"}


def _figure_of(drawing: Any) -> Figure:
    if isinstance(drawing, np.ndarray):
        drawing = drawing.flat[0]
    figure = drawing.get_figure(root=True) if isinstance(drawing, Axes) else drawing
    if not isinstance(figure, Figure):
        raise ParameterError(
            f"A picture of the report was given a {type(drawing).__name__}. Give a matplotlib Figure, its Axes, or the "
            "array of Axes that a figure function returned."
        )
    return figure


def _title_of(drawing: Any) -> str:
    """What a screen reader says for the picture."""
    figure = _figure_of(drawing)
    titles = [figure.get_suptitle(), *(ax.get_title("left") or ax.get_title() for ax in figure.axes)]
    return next((title for title in titles if title), "Figure")
