"""Picks of a stream as SeisBench's ``classify`` returns them.

The names are SeisBench's, so that code written for its models runs with a picker: ``output.picks``, each with
``trace_id``, ``peak_time``, ``peak_value`` and ``phase``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from selfseis.catalogue.records import Phase, Pick
from selfseis.io.obspy_import import obspy

if TYPE_CHECKING:
    from obspy import UTCDateTime


@dataclass(frozen=True)
class ClassifiedPick:
    """A pick with the attributes of SeisBench's picks.

    Attributes
    ----------
    trace_id : str
        ``"NET.STA.LOC"``.
    phase : {"P", "S"}
        The phase.
    peak_time : obspy.UTCDateTime
        Onset time.
    start_time, end_time : obspy.UTCDateTime
        One standard deviation before and after the onset.
    peak_value : float
        Probability that the onset is real.
    """

    trace_id: str
    phase: Phase
    peak_time: UTCDateTime
    start_time: UTCDateTime
    end_time: UTCDateTime
    peak_value: float


@dataclass(frozen=True)
class Classified:
    """Result of ``classify``.

    Attributes
    ----------
    creator : str
        Name of the network.
    picks : tuple of ClassifiedPick
        In order of time.
    """

    creator: str
    picks: tuple[ClassifiedPick, ...]


class PicksRecordings(Protocol):
    """Protocol of a fitted picker."""

    def pick(self, recording: Any, *, min_probability: float | None = None) -> list[Pick]:
        """Return the picks of a recording."""
        ...


def classify(picker: PicksRecordings, stream: Any, *, min_probability: float | None = None) -> Classified:
    """Pick a stream, with the result as SeisBench's ``classify`` returns it.

    Parameters
    ----------
    picker : Picker
        Fitted.
    stream : obspy.Stream, xarray.DataArray, path or Patch
        The recording.
    min_probability : float, optional
        Minimum probability of a pick, instead of the operating point of the picker.

    Raises
    ------
    InputError
        If the sampling rate differs from that of the training data.

    Examples
    --------
    >>> from selfseis import Picker
    >>> from selfseis.pick.classify import classify
    >>> classify(Picker.load("results/model"), stream).picks  # doctest: +SKIP
    """
    return classified(picker.pick(stream, min_probability=min_probability), type(picker).__name__)


def classified(picks: Iterable[Pick], creator: str) -> Classified:
    """Return picks as the result of ``classify``.

    Parameters
    ----------
    picks : iterable of Pick
        In order of time.
    creator : str
        Name of the network.

    Examples
    --------
    >>> import numpy as np
    >>> from selfseis.pick import Pick
    >>> from selfseis.pick.classify import classified
    >>> pick = Pick("CX.PB01..HHZ", "P", np.datetime64("2014-05-01T00:00:05", "ns"), 0.9, 0.1)
    >>> output = classified([pick], "Picker")
    >>> output.picks[0].trace_id, str(output.picks[0].peak_time), output.picks[0].peak_value
    ('CX.PB01.', '2014-05-01T00:00:05.000000Z', 0.9)
    """
    obspy()
    from obspy import UTCDateTime

    def one(pick: Pick) -> ClassifiedPick:
        time = UTCDateTime(ns=int(pick.time.astype("datetime64[ns]").astype(np.int64)))
        spread = pick.sd_s
        return ClassifiedPick(pick.station, pick.phase, time, time - spread, time + spread, pick.probability)

    return Classified(creator, tuple(one(pick) for pick in picks))
