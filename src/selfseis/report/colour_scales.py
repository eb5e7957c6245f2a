"""Colour scales that are even in lightness and readable with colour blindness and in print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from selfseis.report import wording

# Anchors after viridis (van der Walt and Smith, CC0), turned so that nothing is white and much is dark.
SEQUENTIAL = (
    "#fdfdf2",
    "#e3e87f",
    "#a5d64e",
    "#54c568",
    "#1fa287",
    "#287c8e",
    "#3a538b",
    "#46327e",
    "#440154",
)
DIVERGING = (
    "#00366c",
    "#2b6ca3",
    "#76a9cf",
    "#c4dbea",
    "#f5f5f3",
    "#f4d3b5",
    "#e3985f",
    "#b95b1f",
    "#762f02",
)
N_TICKS = 3


@dataclass(frozen=True)
class Scale:
    """A range of numbers with its colours.

    Attributes
    ----------
    title : str
        With its unit.
    low, high : float
        Ends of the range.
    anchors : tuple of str
        Colours at even distances.
    """

    title: str
    low: float
    high: float
    anchors: tuple[str, ...] = SEQUENTIAL

    @classmethod
    def about_zero(cls, title: str, reach: float) -> Scale:
        """Return a scale whose middle is zero."""
        return cls(title, -reach, reach, DIVERGING)

    def colour(self, value: float) -> str:
        """Return the colour of a number; beyond the ends, that of the end."""
        span = (self.high - self.low) or 1.0
        share = min(max((value - self.low) / span, 0.0), 1.0) * (len(self.anchors) - 1)
        place = min(int(share), len(self.anchors) - 2)
        first, second = (_channels(self.anchors[place + step]) for step in (0, 1))
        mixed = [round(a + (share - place) * (b - a)) for a, b in zip(first, second, strict=True)]
        return "#" + "".join(f"{channel:02x}" for channel in mixed)

    def to_dict(self) -> dict[str, Any]:
        """Return what the template draws as the key of the colours."""
        steps = [self.low + (self.high - self.low) * step / (N_TICKS - 1) for step in range(N_TICKS)]
        return {
            "title": self.title,
            "gradient": ", ".join(self.anchors),
            "ticks": [wording.number(step, 2) for step in steps],
        }


def _channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
