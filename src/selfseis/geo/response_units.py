"""Units of ground motion, as they are spelled in responses and recordings.

StationXML writes ``M/S``, ``m/s**2`` or ``NM/S``; other sources also ``M/S/S``, ``m/s^2``, ``m s-1`` and ``gal``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PREFIXES = {"n": 1e9, "u": 1e6, "µ": 1e6, "μ": 1e6, "m": 1e3, "c": 1e2, "": 1.0}
_MOTION = re.compile(r"(?P<prefix>[nuµμmc]?)m(?P<rate>|/s|/s\*\*2|/s/s|/\(s\*\*2\)|/s2|\*s\*\*-[12]|s-[12])")
_SPELLED = (("meters", "m"), ("metres", "m"), ("meter", "m"), ("metre", "m"), ("seconds", "s"), ("second", "s"),
            ("sec", "s"), ("per", "/"), ("^", "**"))  # fmt: skip
_GALS = {"gal": 1e2, "mgal": 1e5}
SI_NAMES = ("m", "m/s", "m/s**2")


class MotionUnits(NamedTuple):
    """A unit of displacement, velocity or acceleration.

    Attributes
    ----------
    derivative : int
        0 for displacement, 1 for velocity, 2 for acceleration.
    per_si : float
        Number of these units in one m, m/s or m/s**2.
    """

    derivative: int
    per_si: float

    @property
    def si_name(self) -> str:
        """Name of the same quantity without a prefix."""
        return SI_NAMES[self.derivative]


def motion_units(text: str) -> MotionUnits | None:
    """Read a unit of ground motion; None for any other one, such as ``PA`` or ``COUNTS``.

    Parameters
    ----------
    text : str
        The unit, in any case.

    Examples
    --------
    >>> from selfseis.geo.response_units import motion_units
    >>> motion_units("NM/S"), motion_units("m/s^2")
    (MotionUnits(derivative=1, per_si=1000000000.0), MotionUnits(derivative=2, per_si=1.0))
    >>> motion_units("PA") is None
    True
    """
    unit = text.lower()
    for spelled, short in _SPELLED:
        unit = unit.replace(spelled, short)
    unit = "".join(unit.split())
    if unit in _GALS:
        return MotionUnits(2, _GALS[unit])
    found = _MOTION.fullmatch(unit)
    if found is None:
        return None
    rate = found["rate"]
    derivative = 0 if not rate else 2 if "2" in rate or rate == "/s/s" else 1
    return MotionUnits(derivative, _PREFIXES[found["prefix"]])
