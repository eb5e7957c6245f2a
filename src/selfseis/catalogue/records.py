"""Plain records of a catalogue: picks, arrivals, locations, amplitudes, magnitudes and events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from selfseis.typing import FloatArray

Phase = Literal["P", "S"]
PHASES: tuple[Phase, ...] = ("P", "S")
CONFIDENCE = 0.68


@dataclass(frozen=True)
class Pick:
    """The onset of a phase at a station.

    Attributes
    ----------
    seed_id : str
        "NET.STA.LOC.CHA" of the channel on which the phase is clearest: the vertical for P, a horizontal for S.
    phase : {"P", "S"}
        The phase.
    time : numpy.datetime64
        Onset time in UTC, in nanoseconds.
    probability : float
        Probability that the onset is real.
    sd_s : float
        Standard deviation of the time in s.
    sensor : str
        "NET.STA.LOC" of the sensor, only where its components have several location codes.
    """

    seed_id: str
    phase: Phase
    time: np.datetime64
    probability: float
    sd_s: float
    sensor: str = field(default="", compare=False)

    @property
    def station(self) -> str:
        """Return "NET.STA.LOC" of the sensor, or the seed_id without its channel; for a fibre channel, its name."""
        if self.sensor:
            return self.sensor
        return self.seed_id.rpartition(".")[0] if self.seed_id.count(".") == 3 else self.seed_id


@dataclass(frozen=True)
class Arrival:
    """A pick with its residual, distance, azimuth and weight in the location of an event.

    Attributes
    ----------
    pick : Pick
        The pick.
    residual_s : float
        Observed minus predicted time in s.
    distance_km : float
        Epicentral distance.
    azimuth_deg : float
        From the event to the station, clockwise from north.
    weight : float
        1 for a small residual, lower for a large one, 0 for a pick that was left out.
    """

    pick: Pick
    residual_s: float
    distance_km: float
    azimuth_deg: float
    weight: float


@dataclass(frozen=True)
class Location:
    """Hypocentre and origin time of an event, with 68% uncertainties.

    Attributes
    ----------
    time : numpy.datetime64
        Origin time in UTC.
    latitude, longitude, depth_km : float
        In degrees, and in km below sea level.
    covariance : ndarray, shape (4, 4)
        Of east, north and depth in km, and time in s.
    horizontal_error_km : float
        Larger semi-axis of the 68% ellipse of the epicentre.
    smaller_error_km, ellipse_azimuth_deg : float
        Smaller semi-axis, and azimuth of the larger one.
    depth_error_km, time_error_s : float
        One standard deviation.
    rms_s : float
        Root mean square of the residuals of the picks used.
    gap_deg : float
        Azimuthal gap: the largest range of azimuths without a station.
    arrivals : tuple of Arrival
        All picks of the event, also those left out.
    depth_is_resolved : bool
        False if the depth is at a limit of the search volume, or uncertain by more than a quarter of its range.
    is_inside : bool
        False if the epicentre is at a limit of the search volume. Then only its direction is meaningful.
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
        """Return the number of picks used."""
        return sum(arrival.weight > 0 for arrival in self.arrivals)


@dataclass(frozen=True)
class Amplitude:
    """Largest zero-to-peak amplitude on the horizontal channels of a station.

    Attributes
    ----------
    station : str
        Name of the station.
    seed_id : str
        The channel with this amplitude.
    value : float
        In nm of a Wood-Anderson seismograph of gain 1, or in the units of the recording.
    is_ground_motion : bool
        True if the value is in nm.
    """

    station: str
    seed_id: str
    value: float
    is_ground_motion: bool


@dataclass(frozen=True)
class Magnitude:
    """Magnitude of an event.

    Attributes
    ----------
    value : float
        Median over stations.
    type : str
        "ML", or "Mrel" for a relative magnitude.
    error : float
        Standard error, from the scatter of the stations.
    stations : dict
        Magnitude by seed_id of the channel.
    amplitudes : tuple of Amplitude
        The amplitudes used, in the order of ``stations``.
    """

    value: float
    type: str
    error: float
    stations: dict[str, float]
    amplitudes: tuple[Amplitude, ...]


@dataclass(frozen=True)
class Onset:
    """The rise of energy at a station, of a phase that is not known.

    Attributes
    ----------
    seed_id : str
        "NET.STA.LOC.CHA" of the vertical, or of the first channel of the station.
    time : numpy.datetime64
        In UTC.
    sd_s : float
        Standard deviation of the time in s.
    """

    seed_id: str
    time: np.datetime64
    sd_s: float


@dataclass(frozen=True)
class Place:
    """The rough place of an event that is not located: the station with its first onset.

    Attributes
    ----------
    latitude, longitude : float
        In degrees.
    error_km : float
        Distance within which its source is expected.
    """

    latitude: float
    longitude: float
    error_km: float


@dataclass(frozen=True)
class Event:
    """A seismic event: detected on waveforms, or associated from picks and located if possible.

    Attributes
    ----------
    event_id : str
        Name made from the time.
    start, end : numpy.datetime64
        Interval in UTC. For an event with picks, the first and the last pick.
    peak : numpy.datetime64
        Time of the highest score. For an event with picks, the origin time, or the first pick if that is not known.
    score : float
        Highest score in standard deviations of the null. For an event with picks, the sum of their probabilities.
    p_value : float
        Share of null peaks that score as high. For an event with picks, the probability that the null reaches such a
        score anywhere in the recording.
    n_channels : int
        Number of channels that contribute.
    picks : tuple of Pick
        In order of time; empty for an event that was detected on waveforms.
    location : Location or None
        None if the event is not located.
    reason : str
        Why the event is not located, or a caveat on its location; empty if there is none.
    magnitude : Magnitude or None
        None if no amplitude was measured.
    distances_km : dict
        Distance by station from S - P, if the event is not located.
    false_discovery_rate : float
        Probability that an event detected on waveforms is false; NaN if it is not known.
    onsets : tuple of Onset
        Onsets at the stations that record an event detected on waveforms.
    place : Place or None
        Of such an event, where the stations have coordinates.
    is_calibrated : bool
        Whether the accepted rate of false alarms holds for it. Where a recording is too short to calibrate that rate,
        events that exceed all surrogates are listed all the same.
    """

    event_id: str
    start: np.datetime64
    end: np.datetime64
    peak: np.datetime64
    score: float
    p_value: float
    n_channels: int
    picks: tuple[Pick, ...] = ()
    location: Location | None = None
    reason: str = ""
    magnitude: Magnitude | None = None
    distances_km: dict[str, float] = field(default_factory=dict, hash=False)
    false_discovery_rate: float = float("nan")
    onsets: tuple[Onset, ...] = ()
    place: Place | None = None
    is_calibrated: bool = True


def in_time(picks: Iterable[Pick]) -> list[Pick]:
    """Return picks in order of time, then of seed_id and phase."""
    return sorted(picks, key=lambda pick: (pick.time, pick.seed_id, pick.phase))


def format_utc(time: np.datetime64, unit: Literal["ms", "us"] = "us") -> str:
    """Return a time in UTC as ISO 8601 with a final Z, to the millisecond or the microsecond.

    Parameters
    ----------
    time : numpy.datetime64
        The time; digits beyond the unit are cut off.
    unit : {"us", "ms"}
        Resolution of the text.
    """
    return f"{np.datetime_as_string(time.astype(f'datetime64[{unit}]'))}Z"
