"""SVG charts rendered on the server: they need no script, print well, and satisfy a strict CSP.

The style sheet sets the colours through the classes of the series. For accessibility, the page must also show
the values in a table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 12, 26
"""Margins for the axis labels, in SVG units."""
_TICKS = 4
_MOST_LABELS = 12
_GAP = 0.25
"""Gap between bars, as a fraction of the width of a label's slot."""
STYLES = ("a", "b", "c")
"""CSS classes of the series, in order."""


@dataclass(frozen=True)
class Series:
    """A named series: one value per label; None leaves a gap in a line."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class _Frame:
    """Maps labels and values to SVG coordinates."""

    labels: Sequence[str]
    top: float
    """The largest value on the axis."""

    @property
    def slot_width(self) -> float:
        return (WIDTH - _LEFT - _RIGHT) / max(1, len(self.labels))

    def middle(self, position: int) -> float:
        return round(_LEFT + (position + 0.5) * self.slot_width, 2)

    def y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - value / self.top * (HEIGHT - _TOP - _BOTTOM), 2)

    def as_dict(self) -> dict[str, object]:
        step = _step(len(self.labels))
        ticks = [self.top * tick / _TICKS for tick in range(_TICKS + 1)]
        return {
            "width": WIDTH,
            "height": HEIGHT,
            "left": _LEFT,
            "right": WIDTH - _RIGHT,
            "ticks": [{"y": self.y(tick), "label": _short(tick)} for tick in ticks],
            "labels": [
                {"x": self.middle(position), "label": label}
                for position, label in enumerate(self.labels)
                if position % step == 0
            ],
            "labels_y": HEIGHT - 8,
        }


def bars(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Stacked bars, one per label, as HTML. Values must not be negative."""
    sums = [sum(one.values[position] or 0 for one in series) for position in range(len(labels))]
    frame = _Frame(labels, _end_of_axis(sums))
    drawn, below = [], [0.0] * len(labels)
    for style, one in zip(STYLES, series, strict=False):
        for position, value in enumerate(one.values):
            if value:
                base = below[position]
                below[position] = base + value
                drawn.append(
                    _bar(frame, position, (base, base + value), style, f"{one.name}: {_plain(value)}")
                )
    return _render("bars", title, series, {**frame.as_dict(), "bars": drawn})


def lines(title: str, labels: Sequence[str], series: Sequence[Series], *, top: float | None = None) -> str:
    """A line chart as HTML, one line per series; the axis ends at `top`, or by default above the values."""
    values = [value for one in series for value in one.values if value is not None]
    frame = _Frame(labels, top or _end_of_axis(values))
    drawn = [
        {"style": style, "path": _path(frame, one.values), "dots": _dots(frame, one)}
        for style, one in zip(STYLES, series, strict=False)
    ]
    return _render("lines", title, series, {**frame.as_dict(), "lines": drawn})


def _bar(frame: _Frame, position: int, span: tuple[float, float], style: str, text: str) -> dict[str, object]:
    low, high = span
    width = frame.slot_width * (1 - _GAP)
    return {
        "x": round(frame.middle(position) - width / 2, 2),
        "y": frame.y(high),
        "width": round(width, 2),
        "height": round(max(0.5, frame.y(low) - frame.y(high)), 2),
        "style": style,
        "told": f"{frame.labels[position]}, {text}",
    }


def _path(frame: _Frame, values: Sequence[float | None]) -> str:
    """An SVG path with a new segment after each gap."""
    steps, pen_is_down = [], False
    for position, value in enumerate(values):
        if value is not None:
            steps.append(f"{'L' if pen_is_down else 'M'}{frame.middle(position)} {frame.y(value)}")
        pen_is_down = value is not None
    return " ".join(steps)


def _dots(frame: _Frame, one: Series) -> list[dict[str, object]]:
    return [
        {
            "x": frame.middle(position),
            "y": frame.y(value),
            "told": f"{frame.labels[position]}, {one.name}: {_plain(value)}",
        }
        for position, value in enumerate(one.values)
        if value is not None
    ]


def _render(kind: str, title: str, series: Sequence[Series], picture: dict[str, object]) -> str:
    legend = [{"name": one.name, "style": style} for style, one in zip(STYLES, series, strict=False)]
    return render_to_string(f"charts/{kind}.svg", {"title": title, "legend": legend, **picture})


def _end_of_axis(values: Sequence[float]) -> float:
    """A round number above the values; the ticks of whole numbers, such as counts, are whole."""
    top = _round_up(max(values, default=0))
    if all(float(value).is_integer() for value in values):
        return math.ceil(top / _TICKS) * _TICKS
    return top


def _round_up(value: float) -> float:
    """Rounds up to 1, 2, 4 or 8 times a power of ten, so that the quarter ticks are round numbers."""
    if value <= 0:
        return 4.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if value <= step * power * (1 + 1e-9))


def _step(labels: int) -> int:
    """Show every n-th label to fit the width; prefers an n that divides the number of labels."""
    least = max(1, math.ceil(labels / _MOST_LABELS))
    return next((step for step in range(least, 2 * least) if labels % step == 0), least)


def _short(value: float) -> str:
    """Short form for the axis, such as 1.5k or 2M."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"


def _plain(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")
