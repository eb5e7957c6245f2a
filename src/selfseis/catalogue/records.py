"""TODO."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from selfseis.typing import FloatArray


@dataclass(frozen=True)
class Amplitude:
    """Largest swing, zero to peak, of a station's horizontals.

    Attributes
    ----------
    station : str
        Its name.
    seed_id : str
        The channel that shows it.
    value : float
        In nm of a Wood-Anderson seismograph of gain 1, or in the record's units.
    is_ground_motion : bool
        Whether it is the former.
    """

    station: str
    seed_id: str
    value: float
    is_ground_motion: bool


@dataclass(frozen=True)
class Event:
    """A time at which a recording holds more than chance would bring.

    Attributes
    ----------
    event_id : str
        Name made of the time.
    start, end : numpy.datetime64
        Interval in UTC.
    peak : numpy.datetime64
        Time of the highest score.
    score : float
        Highest score, in standard deviations of chance.
    p_value : float
        Share of chance peaks that score as high.
    n_channels : int
        Channels that take part.
    """

    event_id: str
    start: np.datetime64
    end: np.datetime64
    peak: np.datetime64
    score: float
    p_value: float
    n_channels: int


@dataclass(frozen=True)
class LocatedEvent(Event):
    """An event made of picks, located where that is possible.

    ``peak`` is the origin time; where it is not known, the first pick. ``score`` is the sum of the probabilities of the
    picks, and ``p_value`` the probability that chance brings such a score anywhere in the record.

    Attributes
    ----------
    picks : tuple of Pick
        In the order of time.
    location : Location or None
        None where the event could not be located.
    reason : str
        Why it is not located, or what to mind about the location; empty if nothing.
    magnitude : Magnitude or None
        None where no amplitude could be measured.
    distances_km : dict
        Distance by station, from S - P, where it is not located.
    """

    picks: tuple[Pick, ...] = ()
    location: Location | None = None
    reason: str = ""
    magnitude: Magnitude | None = None
    distances_km: dict[str, float] = field(default_factory=dict)


CONFIDENCE = 0.68


@dataclass(frozen=True)
class Arrival:
    """A pick as an event explains it.

    Attributes
    ----------
    pick : Pick
        The pick.
    residual_s : float
        Observed less expected time.
    distance_km : float
        Epicentral distance.
    azimuth_deg : float
        From the event to the station, clockwise from north.
    weight : float
        1 where the residual is small; 0 where the pick was left out.
    """

    pick: Pick
    residual_s: float
    distance_km: float
    azimuth_deg: float
    weight: float


@dataclass(frozen=True)
class Location:
    """Place and time of an event, with 68% uncertainties.

    Attributes
    ----------
    time : numpy.datetime64
        Origin time, UTC.
    latitude, longitude, depth_km : float
        In degrees, and km below sea level.
    covariance : ndarray, shape (4, 4)
        Of east, north and depth in km, and time in s.
    horizontal_error_km : float
        Larger semi-axis of the 68% ellipse of the epicentre.
    smaller_error_km, ellipse_azimuth_deg : float
        Smaller semi-axis, and azimuth of the larger one.
    depth_error_km, time_error_s : float
        One standard deviation.
    rms_s : float
        Of the residuals of the picks used.
    gap_deg : float
        Largest azimuth without a station.
    arrivals : tuple of Arrival
        All picks of the event, also those left out.
    depth_is_resolved : bool
        False where the depth is at a limit of the volume, or uncertain by more than a quarter of its range.
    is_inside : bool
        False where the epicentre is at a limit of the volume: only a direction, then.
    """

    time: np.datetime64
    latitude: float
    longitude: float
    depth_km: float
    covariance: FloatArray
    horizontal_error_km: float
    smaller_error_km: float
    ellipse_azimuth_deg: float
    depth_error_km: float
    time_error_s: float
    rms_s: float
    gap_deg: float
    arrivals: tuple[Arrival, ...]
    depth_is_resolved: bool
    is_inside: bool

    @property
    def n_used(self) -> int:
        """Return how many picks were used."""
        return sum(arrival.weight > 0 for arrival in self.arrivals)


@dataclass(frozen=True)
class Magnitude:
    """Magnitude of an event.

    Attributes
    ----------
    value : float
        Median over stations.
    type : str
        "ML", or "Mrel" for a relative one.
    error : float
        Standard error, from the scatter of the stations.
    stations : dict
        Magnitude by seed_id of the channel.
    amplitudes : tuple of Amplitude
        What it was made of, in the order of ``stations``.
    """

    value: float
    type: str
    error: float
    stations: dict[str, float]
    amplitudes: tuple[Amplitude, ...]


Phase = Literal["P", "S"]
PHASES: tuple[Phase, ...] = ("P", "S")


@dataclass(frozen=True)
class Pick:
    """The onset of a phase at a station.

    Attributes
    ----------
    seed_id : str
        "NET.STA.LOC.CHA" of the channel that shows the phase best: the vertical one for P, a horizontal one for S.
    phase : {"P", "S"}
        The phase.
    time : numpy.datetime64
        Time of the onset, UTC, in nanoseconds.
    probability : float
        That there is such an onset.
    sd_s : float
        Standard deviation of the time in s.
    """

    seed_id: str
    phase: Phase
    time: np.datetime64
    probability: float
    sd_s: float

    @property
    def station(self) -> str:
        """Return "NET.STA.LOC", the seed_id without its channel code; of a fibre's channel its whole name."""
        return self.seed_id.rpartition(".")[0] if self.seed_id.count(".") == 3 else self.seed_id


def in_time(picks: Iterable[Pick]) -> list[Pick]:
    """Return picks in the order of time, then of seed_id and phase."""
    return sorted(picks, key=lambda pick: (pick.time, pick.seed_id, pick.phase))


def iso(time: np.datetime64) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond."""
    return f"{np.datetime_as_string(time.astype('datetime64[us]'))}Z"


def iso_milliseconds(time: np.datetime64) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    return f"{np.datetime_as_string(time.astype('datetime64[ms]'))}Z"
