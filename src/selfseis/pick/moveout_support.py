"""Picks along a fibre: what lies on a common moveout is kept, and what stands alone is not.

A wave passes the channels of a fibre one after the other. About each channel its moveout is nearly straight, so that
an onset there has its like at the neighbours, at times that one apparent slowness explains. How well they do is the
onset's support: the mean height of the onsets on the straight line that has the highest, the onset itself included.
Channels that are shifted in time against each other have no moveout in common, and say what support chance gives.

Neighbours nearer than the gauge length share noise and are not asked. Onsets are peaks of the waveform's own
probability: where a channel has none, none is made up, however well its neighbours agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from selfseis.consensus.agreement import time_with_data
from selfseis.pick.calibration import threshold_for
from selfseis.pick.inference import LOWEST
from selfseis.pick.pseudo_labels import LABEL_SD
from selfseis.recording import is_fibre, sampling_rate
from selfseis.recording.coverage import stretches
from selfseis.recording.preprocessing import Conditioner
from selfseis.typing import BoolArray, FloatArray, IndexArray

ASKED = 8  # neighbours on each side
TOLERANCE = LABEL_SD  # samples by which an onset may be off the line
SLOWEST = 500.0  # m/s: least apparent velocity along the fibre
TO_ENDS = 60  # samples from the beginning and the end of data within which no onset is believed
MAX_VALUES = 1_000_000  # that are compared at once
SHIFTS = 5  # of the channels against each other, to measure chance
MIN_CHANNELS = 2 * ASKED  # of a fibre, below which a moveout says little


@dataclass(frozen=True)
class Fibre:
    """Where the channels of a fibre are, and how neighbours are compared.

    Attributes
    ----------
    distance : ndarray, shape (n_channels,)
        Along the fibre in m, in any order.
    gauge_length : float
        In m; 0 where it is not known.
    rate : float
        Sampling rate in Hz.
    live : ndarray of bool, shape (n_channels,)
        Channels that record at all; the others are not asked.
    """

    distance: FloatArray
    gauge_length: float
    rate: float
    live: BoolArray

    @classmethod
    def of(cls, recording: xr.DataArray) -> Fibre:
        """Read what is known of the fibre of a recording."""
        live = np.isfinite(Conditioner.measure(recording).scale)
        gauge_length = float(recording.attrs.get("gauge_length") or 0.0)
        distance = np.asarray(recording["distance"].values, float)
        return cls(distance, gauge_length, sampling_rate(recording), live)

    @property
    def apart(self) -> float:
        """Return the distance in m from one neighbour that is asked to the next."""
        gaps = np.diff(np.sort(self.distance))
        return max(self.gauge_length, float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0)

    def neighbours(self, channel: int) -> IndexArray:
        """Return the channels nearest to the places that are asked about one; fewer at the fibre's ends."""
        places = np.array([step for step in range(-ASKED, ASKED + 1) if step]) * self.apart
        live = np.flatnonzero(self.live)
        offset = self.distance[live] - self.distance[channel]
        nearest = np.abs(offset[:, None] - places).argmin(axis=0)
        there = np.abs(offset[nearest] - places) <= 0.51 * self.apart
        return np.unique(live[nearest[there]])

    def moveouts(self, offset: FloatArray) -> FloatArray:
        """Return times in samples, shape (n_slownesses, n_neighbours), at which neighbours are met, by slowness."""
        farthest = float(np.abs(offset).max(initial=0.0))
        most = SLOWEST**-1 * farthest * self.rate
        n_each = int(np.ceil(most / TOLERANCE))
        return np.linspace(-most, most, 2 * n_each + 1)[:, None] * offset / max(farthest, 1e-9)


@dataclass(frozen=True, eq=False)
class Support:
    """How well the onsets of one phase are supported along a fibre, and how well chance would do.

    Attributes
    ----------
    of_onsets : list of ndarray
        For each channel the support of each of its onsets, between 0 and 1.
    under_null : ndarray
        Support of onsets of shifted channels, all shifts together.
    days : float
        Channel-days of one shift.
    """

    of_onsets: list[FloatArray]
    under_null: FloatArray
    days: float

    def bar(self, per_day: float, lowest: float) -> float:
        """Return the support that chance reaches at a rate per channel and day; extrapolated if it must be."""
        return threshold_for(per_day, self.under_null, SHIFTS * self.days, lowest=lowest)

    def probability(self) -> list[FloatArray]:
        """Return for each onset the share that is not by chance among those of at least its support.

        One onset by chance is counted in addition to those of all shifts, so that a short record does not promise
        too much.
        """
        support = np.concatenate(self.of_onsets) if self.of_onsets else np.zeros(0)
        order = np.argsort(-support, kind="stable")
        null = np.sort(self.under_null)
        reach = len(null) - np.searchsorted(null, support[order], side="left")
        share = np.minimum((reach + 1) / SHIFTS / np.arange(1, len(order) + 1), 1.0)
        probability = np.empty(len(order))
        probability[order] = 1 - np.minimum.accumulate(share[::-1])[::-1]
        return np.split(probability, np.cumsum([len(onsets) for onsets in self.of_onsets])[:-1])


def is_long_fibre(recording: xr.DataArray) -> bool:
    """Say whether a recording has channels enough along a fibre for moveouts to say something."""
    return is_fibre(recording) and recording.sizes["channel"] >= MIN_CHANNELS


def supported(
    onsets: list[FloatArray],
    recording: xr.DataArray,
    per_day: float,
    min_probability: float | None,
    seed: int,
) -> list[FloatArray]:
    """Return the onsets of one phase that a moveout along the fibre supports, with their probabilities.

    Parameters
    ----------
    onsets : list of ndarray, shape (n_onsets, 2)
        For each channel: position in samples, ascending, and height between 0 and 1.
    recording : xarray.DataArray
        The recording of a fibre.
    per_day : float
        False alarms per channel and day that are accepted.
    min_probability : float or None
        Onsets that are at least so probable are returned whatever their rate.
    seed : int
        Seed of the shifts that measure chance.

    Returns
    -------
    list of ndarray, shape (n_onsets, 2)
        For each channel: position in samples, and probability.
    """
    spans = np.array(stretches(recording), float).reshape(-1, 2)
    onsets = [_away_from_ends(here, spans) for here in onsets]
    support = support_of(onsets, Fibre.of(recording), spans, seed)
    bar = support.bar(per_day, LOWEST)
    least = np.inf if min_probability is None else min_probability
    return [
        np.column_stack([at[:, 0], probability])[(of_onsets >= bar) | (probability >= least)]
        for at, of_onsets, probability in zip(onsets, support.of_onsets, support.probability(), strict=True)
    ]


def support_of(onsets: list[FloatArray], fibre: Fibre, spans: FloatArray, seed: int = 0) -> Support:
    """Measure how well onsets of one phase are supported by their neighbours along a fibre.

    Parameters
    ----------
    onsets : list of ndarray, shape (n_onsets, 2)
        For each channel: position in samples, ascending, and height between 0 and 1.
    fibre : Fibre
        Where the channels are.
    spans : ndarray, shape (n_spans, 2)
        First samples and ends of what holds data. Time between them does not count.
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
    for _ in range(SHIFTS):
        by = rng.uniform(0, length, len(placed))
        null += _supports([_shifted(at, shift, length) for at, shift in zip(placed, by, strict=True)], fibre)
    days = len(onsets) * length / fibre.rate / 86400
    return Support(_supports(placed, fibre), np.concatenate([np.zeros(0), *null]), days)


def _away_from_ends(onsets: FloatArray, spans: FloatArray) -> FloatArray:
    """Leave out onsets where data begin or end, on all channels at once: that looks like a wave of no moveout."""
    nearest = np.abs(onsets[:, :1] - spans.ravel()).min(axis=1, initial=np.inf)
    return onsets[nearest > TO_ENDS]


def _shifted(onsets: FloatArray, shift: float, length: float) -> FloatArray:
    at = (onsets[:, 0] + shift) % length
    order = np.argsort(at, kind="stable")
    return np.column_stack([at, onsets[:, 1]])[order]


def _supports(onsets: list[FloatArray], fibre: Fibre) -> list[FloatArray]:
    every = _Every(onsets)
    supports = []
    for channel, here in enumerate(onsets):
        asked = fibre.neighbours(channel)
        moveouts = fibre.moveouts(fibre.distance[asked] - fibre.distance[channel])
        some = max(1, MAX_VALUES // max(moveouts.size, 1))
        met = [
            every.height_at(asked, here[first : first + some, :1, None] + moveouts).sum(axis=2).max(axis=1)
            for first in range(0, len(here), some)
        ]
        supports.append((here[:, 1] + np.concatenate([np.zeros(0), *met])) / (1 + len(asked)))
    return supports


class _Every:
    """The onsets of all channels on one axis, channel after channel, so that all neighbours are asked at once."""

    def __init__(self, onsets: list[FloatArray]) -> None:
        latest = max((float(at[-1, 0]) for at in onsets if len(at)), default=0.0)
        self.stride = 4 * (latest + TOLERANCE + 1)
        ends = [[-np.inf, 0.0]], [[np.inf, 0.0]]
        placed = (np.add(at, [channel * self.stride, 0.0]) for channel, at in enumerate(onsets))
        self.at, self.height = np.concatenate([ends[0], *placed, ends[1]]).T

    def height_at(self, channels: IndexArray, at: FloatArray) -> FloatArray:
        """Return the height of the onset nearest to positions in channels (the last axis), zero where none is near."""
        wanted = at.clip(-self.stride / 4, self.stride / 2) + channels * self.stride
        after = np.searchsorted(self.at, wanted)
        nearer = np.where(wanted - self.at[after - 1] < self.at[after] - wanted, after - 1, after)
        return np.where(np.abs(self.at[nearer] - wanted) <= TOLERANCE, self.height[nearer], 0.0)
