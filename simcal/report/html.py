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


def write_report(
    path: str | Path,
    title: str,
    sections: Sequence[Section],
    *,
    subtitle: str = "",
    key_numbers: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write one self-contained HTML file and return its path.

    Main arguments
    --------------
    path
        The file, usually `report.html` in a run folder.
    title
        The heading of the page.
    sections
        In order; their headings make the table of contents.

    Other arguments
    ---------------
    subtitle
        A sentence under the title.
    key_numbers
        Label to value for the box on top; values are text, numbers or booleans (pass and fail).
    provenance
        Versions, seed and hashes for the foot of the page.

    Raises
    ------
    ParameterError
        Two sections share a heading.
    DataError
        The file cannot be written.
    """
    headings = [section.heading for section in sections]
    repeated = next((heading for heading in headings if headings.count(heading) > 1), None)
    if repeated is not None:
        raise ParameterError(f"Two sections of the report are headed '{repeated}'. Give each its own heading.")
    template = files("simcal.report").joinpath("template.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(template).render(
        title=title,
        subtitle=subtitle,
        key_numbers={label: _cell(value, 3) for label, value in (key_numbers or {}).items()},
        provenance={label: str(value) for label, value in (provenance or {}).items()},
        sections=[_rendered(section, number) for number, section in enumerate(sections, start=1)],
    )
    return write_atomically(path, page)


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
    return {
        "anchor": f"section-{number}",
        "heading": section.heading,
        "prose": list(section.prose),
        "tables": [
            {
                "caption": table.caption,
                "columns": [str(column) for column in table.frame.columns],
                "rows": [[_cell(value, table.digits) for value in row] for row in table.frame.itertuples(index=False)],
            }
            for table in section.tables
        ],
        "figures": [
            {"image": embed_figure(picture.drawing), "caption": picture.caption, "title": _title_of(picture.drawing)}
            for picture in section.figures
        ],
    }


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
