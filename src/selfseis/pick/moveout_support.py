"""Picks along a fibre: onset candidates with moveout support from neighbouring channels are kept.

A wave passes the channels of a fibre one after the other. Around each channel its moveout is nearly straight: onsets at
neighbouring channels follow one apparent slowness. The support of an onset is the mean height of the onsets on a
straight line through it, for the slowness of highest mean. The mean includes the onset itself. Channels with
circular time shifts against each other have no common moveout; their support is the null.

Neighbours nearer than the gauge length share noise and are left out. All picks are peaks of the channel's own
probability. A channel without a peak has no pick, whatever the onsets of its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from selfseis.consensus.agreement import time_with_data
from selfseis.consensus.ps_pairs import Moveout
from selfseis.pick.calibration import threshold_for
from selfseis.pick.options import CalibrationOptions, MoveoutOptions, PickerOptions
from selfseis.recording import is_fibre, sampling_rate
from selfseis.recording.components import Station
from selfseis.recording.coverage import stretches
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import BoolArray, FloatArray, IndexArray


@dataclass(frozen=True)
class Fibre:
    """Geometry of a fibre, and the neighbours and moveouts of its channels.

    Attributes
    ----------
    distance : ndarray, shape (n_channels,)
        Along the fibre in m, in any order.
    gauge_length : float
        In m; 0 where it is not known.
    rate : float
        Sampling rate in Hz.
    live : ndarray of bool, shape (n_channels,)
        Channels with data; the others are left out.
    options : MoveoutOptions
        Number of neighbours, and the lines that are searched.
    """

    distance: FloatArray
    gauge_length: float
    rate: float
    live: BoolArray
    options: MoveoutOptions = MoveoutOptions()

    @classmethod
    def of(cls, recording: xr.DataArray, options: MoveoutOptions) -> Fibre:
        """Return the geometry of the fibre of a recording."""
        live = np.isfinite(Conditioner.measure(recording).scale)
        gauge_length = float(recording.attrs.get("gauge_length") or 0.0)
        distance = np.asarray(recording["distance"].values, float)
        return cls(distance, gauge_length, sampling_rate(recording), live, options)

    @property
    def apart(self) -> float:
        """Return the distance in m between successive neighbours."""
        gaps = np.diff(np.sort(self.distance))
        return max(self.gauge_length, float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0)

    def neighbours(self, channel: int) -> IndexArray:
        """Return the channels nearest to the neighbour positions of a channel; fewer at the fibre's ends."""
        n_each = self.options.n_neighbours
        places = np.array([step for step in range(-n_each, n_each + 1) if step]) * self.apart
        live = np.flatnonzero(self.live)
        offset = self.distance[live] - self.distance[channel]
        nearest = np.abs(offset[:, None] - places).argmin(axis=0)
        there = np.abs(offset[nearest] - places) <= 0.51 * self.apart
        return np.unique(live[nearest[there]])

    def moveouts(self, offset: FloatArray) -> FloatArray:
        """Return moveouts in samples relative to the channel, shape (n_slownesses, n_neighbours)."""
        farthest = float(np.abs(offset).max(initial=0.0))
        max_moveout = self.options.min_velocity**-1 * farthest * self.rate
        n_each = int(np.ceil(max_moveout / self.options.tolerance))
        return np.linspace(-max_moveout, max_moveout, 2 * n_each + 1)[:, None] * offset / max(farthest, 1e-9)


@dataclass(frozen=True, eq=False)
class Support:
    """Moveout support of the onsets of one phase along a fibre, and support under the null.

    Attributes
    ----------
    of_onsets : list of ndarray
        Support of each onset of each channel, between 0 and 1.
    under_null : ndarray
        Support of the onsets of shifted channels, for all shifts together.
    n_shifts : int
        Number of these shifts.
    days : float
        Channel-days of the data.
    """

    of_onsets: list[FloatArray]
    under_null: FloatArray
    n_shifts: int
    days: float

    def threshold(
        self, per_day: float, lowest: float, options: CalibrationOptions = CalibrationOptions()
    ) -> float:
        """Return the support that the null reaches at a rate per channel and day; extrapolated for low rates."""
        days = self.n_shifts * self.days
        return threshold_for(per_day, self.under_null, days, lowest=lowest, options=options)

    def probability(self) -> list[FloatArray]:
        """Return for each onset the share of true ones among the onsets of at least its support.

        One is added to the null onsets of all shifts, so that probabilities are not too high in a short record.
        """
        support = np.concatenate(self.of_onsets) if self.of_onsets else np.zeros(0)
        order = np.argsort(-support, kind="stable")
        null = np.sort(self.under_null)
        reach = len(null) - np.searchsorted(null, support[order], side="left")
        share = np.minimum((reach + 1) / self.n_shifts / np.arange(1, len(order) + 1), 1.0)
        probability = np.empty(len(order))
        probability[order] = 1 - np.minimum.accumulate(share[::-1])[::-1]
        return np.split(probability, np.cumsum([len(onsets) for onsets in self.of_onsets])[:-1])


def is_long_fibre(recording: xr.DataArray, options: MoveoutOptions = MoveoutOptions()) -> bool:
    """Return whether a recording is of a fibre with enough channels for moveout support."""
    return is_fibre(recording) and recording.sizes["channel"] >= options.min_channels


def supported(
    onsets: list[FloatArray],
    recording: xr.DataArray,
    per_day: float,
    min_probability: float | None,
    seed: int,
    options: PickerOptions = PickerOptions(),
) -> list[FloatArray]:
    """Return the onsets of one phase with enough moveout support, and their probabilities.

    Parameters
    ----------
    onsets : list of ndarray, shape (n_onsets, 2)
        For each channel: position in samples, ascending, and height between 0 and 1.
    recording : xarray.DataArray
        The recording of a fibre.
    per_day : float
        Accepted false alarms per channel and day.
    min_probability : float or None
        Onsets of at least this probability are returned whatever the rate of false alarms.
    seed : int
        Seed of the shifts.
    options : PickerOptions
        Settings of moveout support, calibration and inference.

    Returns
    -------
    list of ndarray, shape (n_onsets, 2)
        For each channel: position in samples, and probability.
    """
    spans = np.array(stretches(recording), float).reshape(-1, 2)
    onsets = [_away_from_ends(here, spans, options.moveout.to_ends) for here in onsets]
    support = support_of(onsets, Fibre.of(recording, options.moveout), spans, seed)
    threshold = support.threshold(per_day, options.inference.min_height, options.calibration)
    lowest = np.inf if min_probability is None else min_probability
    return [
        np.column_stack([at[:, 0], probability])[(of_onsets >= threshold) | (probability >= lowest)]
        for at, of_onsets, probability in zip(onsets, support.of_onsets, support.probability(), strict=True)
    ]


def support_of(onsets: list[FloatArray], fibre: Fibre, spans: FloatArray, seed: int = 0) -> Support:
    """Measure the moveout support of the onsets of one phase along a fibre.

    Parameters
    ----------
    onsets : list of ndarray, shape (n_onsets, 2)
        For each channel: position in samples, ascending, and height between 0 and 1.
    fibre : Fibre
        Geometry of the fibre.
    spans : ndarray, shape (n_spans, 2)
        First samples and ends of the spans with data. Time between them is left out.
    seed : int
        Seed of the shifts.

    Returns
    -------
    Support
    """
    length = float(np.diff(spans, axis=1).sum())
    placed = [np.column_stack([time_with_data(at[:, 0], spans), at[:, 1]]) for at in onsets]
    rng = np.random.default_rng(seed)
    null = []
    for _ in range(fibre.options.n_shifts):
        by = rng.uniform(0, length, len(placed))
        null += _supports([_shifted(at, shift, length) for at, shift in zip(placed, by, strict=True)], fibre)
    days = len(onsets) * length / fibre.rate / 86400
    under_null = np.concatenate([np.zeros(0), *null])
    return Support(_supports(placed, fibre), under_null, fibre.options.n_shifts, days)


def _away_from_ends(onsets: FloatArray, spans: FloatArray, to_ends: int) -> FloatArray:
    """Leave out onsets at the ends of data: these are simultaneous on all channels, as for a wave without moveout."""
    nearest = np.abs(onsets[:, :1] - spans.ravel()).min(axis=1, initial=np.inf)
    return onsets[nearest > to_ends]


def _shifted(onsets: FloatArray, shift: float, length: float) -> FloatArray:
    at = (onsets[:, 0] + shift) % length
    order = np.argsort(at, kind="stable")
    return np.column_stack([at, onsets[:, 1]])[order]


def _supports(onsets: list[FloatArray], fibre: Fibre) -> list[FloatArray]:
    all_onsets = _AllOnsets(onsets, fibre.options.tolerance)
    supports = []
    for channel, here in enumerate(onsets):
        neighbours = fibre.neighbours(channel)
        moveouts = fibre.moveouts(fibre.distance[neighbours] - fibre.distance[channel])
        chunk = max(1, fibre.options.max_values // max(moveouts.size, 1))
        on_line = [
            all_onsets.height_at(neighbours, here[first : first + chunk, :1, None] + moveouts)
            .sum(axis=2)
            .max(axis=1)
            for first in range(0, len(here), chunk)
        ]
        supports.append((here[:, 1] + np.concatenate([np.zeros(0), *on_line])) / (1 + len(neighbours)))
    return supports


class _AllOnsets:
    """Onsets of all channels on one axis, channel after channel, for a look-up at all neighbours at once."""

    def __init__(self, onsets: list[FloatArray], tolerance: float) -> None:
        self.tolerance = tolerance
        latest = max((float(at[-1, 0]) for at in onsets if len(at)), default=0.0)
        self.stride = 4 * (latest + tolerance + 1)
        ends = [[-np.inf, 0.0]], [[np.inf, 0.0]]
        placed = (np.add(at, [channel * self.stride, 0.0]) for channel, at in enumerate(onsets))
        self.at, self.height = np.concatenate([ends[0], *placed, ends[1]]).T

    def height_at(self, channels: IndexArray, at: FloatArray) -> FloatArray:
        """Return the height of the onset nearest to positions in channels (the last axis), zero where none is near."""
        wanted = at.clip(-self.stride / 4, self.stride / 2) + channels * self.stride
        after = np.searchsorted(self.at, wanted)
        nearer = np.where(wanted - self.at[after - 1] < self.at[after] - wanted, after - 1, after)
        return np.where(np.abs(self.at[nearer] - wanted) <= self.tolerance, self.height[nearer], 0.0)


def moveout_of(
    recording: xr.DataArray, stations: list[Station], options: PickerOptions = PickerOptions()
) -> Moveout:
    """Return the moveout limits of one event across stations, from station positions where they are known."""
    rate, consensus = sampling_rate(recording), options.consensus
    if is_fibre(recording):
        along = np.asarray(recording["distance"].values, float)[[station.row_of("P") for station in stations]]
        apart_km = np.abs(np.subtract.outer(along, along)) / 1000
        return Moveout.from_distances(apart_km, rate, options.moveout.min_velocity / 1000, consensus)
    sites = [station.site for station in stations]
    if not {"latitude", "longitude"} <= set(recording.coords):
        return Moveout.without_coordinates(len(stations), rate, consensus).separate_sites(sites)
    rows = [station.row_of("P") for station in stations]
    latitude, longitude = (
        np.asarray(recording[name].values, float)[rows] for name in ("latitude", "longitude")
    )
    return Moveout.from_coordinates(latitude, longitude, rate, consensus).separate_sites(sites)
