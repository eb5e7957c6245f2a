"""Small figures that need no script: axes and marks in the units of an SVG picture, drawn by ``plot.html``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from selfseis.report import wording

LEFT, RIGHT, TOP, BOTTOM = 74, 24, 12, 46
MAX_TICKS = 6
CALENDAR_STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
)  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """One axis of a plot.

    Attributes
    ----------
    title : str
        With its unit.
    low, high : float
        Values at its ends.
    length : float
        In pixels.
    ticks : tuple of (float, str)
        Values and labels.
    """

    title: str
    low: float
    high: float
    length: float
    ticks: tuple[tuple[float, str], ...]

    @classmethod
    def over(cls, title: str, values: Iterable[float], length: float, *, max_ticks: int = MAX_TICKS) -> Axis:
        """Return an axis that holds the values with some room about them."""
        found = [value for value in values if math.isfinite(value)] or [0.0]
        low, high = min(found), max(found)
        room = 0.05 * (high - low) or 0.5 * abs(high) or 1.0
        return cls.between(title, low - room, high + room, length, max_ticks=max_ticks)

    @classmethod
    def between(
        cls, title: str, low: float, high: float, length: float, *, max_ticks: int = MAX_TICKS
    ) -> Axis:
        """Return an axis from one value to another."""
        step = _step((high - low) / max_ticks)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        decimals = next(n for n in range(16) if abs(step * 10**n - round(step * 10**n)) < 1e-6)
        ticks = [
            (n * step, f"{n * step + 0.0:.{decimals}f}".replace("-", wording.MINUS))
            for n in range(first, last + 1)
        ]
        return cls(title, low, high, length, tuple(ticks))

    @classmethod
    def of_time(cls, low: float, high: float, length: float, *, max_ticks: int = MAX_TICKS) -> Axis:
        """Return an axis of time from and to seconds since 1970, UTC."""
        high = max(high, low + 1)
        rough = (high - low) / max_ticks
        step = next((step for step in CALENDAR_STEPS if step >= rough), 86400 * math.ceil(rough / 86400))
        moments = [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
        shown = slice(0, 10) if step >= 86400 else slice(11, 16) if step >= 60 else slice(11, 19)
        ticks = tuple((moment, wording.moment(moment, 0)[shown]) for moment in moments)
        first, last = wording.moment(low, 0)[:10], wording.moment(high, 0)[:10]
        title = f"time (UTC) on {first}" if first == last else f"time (UTC), {first} to {last}"
        return cls(title, low, high, length, ticks)

    def at(self, value: float) -> float:
        """Return the place of a value in pixels from the axis' first end."""
        return (value - self.low) / (self.high - self.low) * self.length


@dataclass
class Plot:
    """A figure under way.

    Attributes
    ----------
    x, y : Axis
        The axes.
    label : str
        What it shows, for those who cannot see it.
    downwards : bool
        Whether y grows downwards, as depth does.
    shapes : list of dict
        Marks in the order in which they are drawn.
    legend : list of (str, str)
        Style and meaning.
    """

    x: Axis
    y: Axis
    label: str
    downwards: bool = False
    shapes: list[dict[str, Any]] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)

    def dots(
        self,
        points: Sequence[tuple[float, float]],
        style: str,
        *,
        radius: float | Sequence[float] = 3.0,
        titles: Sequence[str] | None = None,
        kind: str = "dot",
    ) -> None:
        """Draw points; those beyond the axes are left out."""
        radii = [radius] * len(points) if isinstance(radius, int | float) else radius
        for number, ((x, y), size) in enumerate(zip(points, radii, strict=True)):
            if self._inside(x, y):
                place = dict(zip(("x", "y"), self._place(x, y), strict=True))
                title = titles[number] if titles else ""
                self.shapes.append(
                    {"kind": kind, "style": style, "r": round(size, 2), "title": title} | place
                )

    def areas(
        self, outlines: Sequence[Sequence[tuple[float, float]]], colours: Sequence[str], titles: Sequence[str]
    ) -> None:
        """Fill outlines, each with its own colour."""
        for outline, colour, title in zip(outlines, colours, titles, strict=True):
            text = " ".join(f"{x},{y}" for x, y in (self._place(*point) for point in outline))
            self.shapes.append(
                {"kind": "area", "style": "area", "points": text, "colour": colour, "title": title}
            )

    def coloured_dots(
        self, points: Sequence[tuple[float, float]], colours: Sequence[str], *, radius: float
    ) -> None:
        """Draw points, each in its own colour; those beyond the axes are left out."""
        for (x, y), colour in zip(points, colours, strict=True):
            if self._inside(x, y):
                place = dict(zip(("x", "y"), self._place(x, y), strict=True))
                self.shapes.append(
                    {"kind": "coloured", "style": "pixel", "r": radius, "colour": colour} | place
                )

    def line(self, points: Sequence[tuple[float, float]], style: str) -> None:
        """Draw a line through points; what is beyond the axes is cut off."""
        places = (self._place(x, y) for x, y in points)
        text = " ".join(f"{x},{y}" for x, y in places)
        self.shapes.append({"kind": "line", "style": style, "points": text})

    def intervals(self, bars: Sequence[tuple[float, float, float]], style: str) -> None:
        """Draw upright bars, each given by its place and its lower and upper end."""
        for at, bottom, top in bars:
            self.line([(at, max(bottom, self.y.low)), (at, min(top, self.y.high))], style)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``plot.html`` draws."""
        width, height = self.x.length + LEFT + RIGHT, self.y.length + TOP + BOTTOM
        return {
            "width": round(width),
            "height": round(height),
            "left": LEFT,
            "top": TOP,
            "plot_width": round(self.x.length, 1),
            "plot_height": round(self.y.length, 1),
            "x_title": self.x.title,
            "y_title": self.y.title,
            "x_ticks": [(round(LEFT + self.x.at(value), 1), text) for value, text in self.x.ticks],
            "y_ticks": [(self._place(self.x.low, value)[1], text) for value, text in self.y.ticks],
            "shapes": self.shapes,
            "legend": self.legend,
            "label": self.label,
        }

    def _inside(self, x: float, y: float) -> bool:
        return self.x.low <= x <= self.x.high and self.y.low <= y <= self.y.high

    def _place(self, x: float, y: float) -> tuple[float, float]:
        up = self.y.at(y)
        return round(LEFT + self.x.at(x), 2), round(TOP + (up if self.downwards else self.y.length - up), 2)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
