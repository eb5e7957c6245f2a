"""Pseudo-labels from the consensus across stations: positives, negatives and ignored onsets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.consensus.agreement import Consensus, consensus_above_null, isolated_onsets
from selfseis.consensus.options import ConsensusOptions
from selfseis.consensus.ps_pairs import Moveout
from selfseis.pick.baselines import aic_onset
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.noise_windows import read_window
from selfseis.pick.options import LabelOptions
from selfseis.recording.components import Station
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """Windows with pseudo-labels.

    Attributes
    ----------
    windows : ndarray, shape (n, 3, n_samples)
        East, north, vertical; the positive or negative is in the middle.
    labels : ndarray, shape (n, 2, n_samples)
        Probability of P and of S, from all positives in the window.
    weights : ndarray, shape (n, 1, n_samples)
        Zero around ignored onsets.
    s_minus_p : ndarray, shape (n,)
        Samples from the P in the middle to its S; 0 in a window around a negative.
    n_positives : int
        Number of windows around positives, which come first; the others are around negatives.
    """

    windows: Float32Array
    labels: NDArray[np.float16]
    weights: BoolArray
    s_minus_p: IndexArray
    n_positives: int


@dataclass(frozen=True, eq=False)
class LabelledOnsets:
    """Labelled onsets of one station; positions in samples.

    Attributes
    ----------
    positives : ndarray, shape (n_events, 2)
        P and S of the events that the station shares with others.
    ignored : ndarray, shape (n_ignored,)
        Onsets that may be true or false. Candidates within an event, up to the end of its coda, are not among them:
        the window around the event labels them as no onset.
    negatives : ndarray, shape (n_negatives,)
        Onsets without support by another station or phase.
    faint_s : ndarray of bool, shape (n_events,)
        Positives whose S is too weak to be timed; it is ignored.
    """

    positives: FloatArray
    ignored: FloatArray
    negatives: FloatArray
    faint_s: BoolArray


def consensus_of(
    candidates: list[OnsetCandidates],
    rate: float,
    s_minus_p: tuple[float, float],
    moveout: Moveout,
    spans: list[tuple[int, int]],
    options: ConsensusOptions,
    *,
    min_height: float,
    shifts: int | None = None,
    counted: Iterable[int] | None = None,
) -> Consensus:
    """Return the consensus across stations in spans of time."""
    pairs = [onsets.within(spans).above(min_height).pairs(rate, s_minus_p, options) for onsets in candidates]
    edges = np.array(spans, float) / rate
    return consensus_above_null(pairs, moveout, spans=edges, shifts=shifts, counted=counted, options=options)


def label_onsets(
    candidates: list[OnsetCandidates],
    consensus: Consensus,
    null_share: float,
    rate: float,
    moveout: Moveout,
    s_minus_p: tuple[float, float],
    options: LabelOptions = LabelOptions(),
) -> list[LabelledOnsets]:
    """Label the onset candidates of each station as positives, negatives or ignored."""
    positives: list[list[tuple[float, float, float]]] = [[] for _ in candidates]
    for event in consensus.kept(null_share):
        for onset in event.onsets:
            positives[onset.station].append((onset.p_time * rate, onset.s_time * rate, onset.s_prob))
    return [
        _label_station(
            number, candidates, np.array(positives[number]).reshape(-1, 3), rate, moveout, s_minus_p, options
        )
        for number in range(len(candidates))
    ]


def _label_station(
    number: int,
    candidates: list[OnsetCandidates],
    positives: FloatArray,
    rate: float,
    moveout: Moveout,
    s_minus_p: tuple[float, float],
    options: LabelOptions,
) -> LabelledOnsets:
    positives, s_height = positives[:, :2], positives[:, 2]
    ignored: list[FloatArray] = []
    negatives: list[FloatArray] = []
    others = [i for i in range(len(candidates)) if i != number]
    for phase, (here, partner) in enumerate((("p", "s"), ("s", "p"))):
        onsets = getattr(candidates[number], here)
        onsets = onsets[onsets[:, 1] >= options.min_labelled_height]
        onsets = onsets[~_of_events(onsets[:, 0], positives, phase, options)]
        at_others = [_positions(getattr(candidates[i], here), options.min_support_height) for i in others]
        within = np.array([moveout.travel_limit[number, i] for i in others]) * rate
        alone = isolated_onsets(onsets[:, 0], at_others, within * (1.0, moveout.vp_vs)[phase])
        partners = _positions(getattr(candidates[number], partner), options.min_partner_height)
        in_pair = _has_partner(onsets[:, 0], partners, s_minus_p, rate, follows=phase == 0) & (
            onsets[:, 1] >= options.min_partner_height
        )
        unknown = (
            ~alone | (onsets[:, 1] >= options.min_isolated_event_height) | in_pair
            if others
            else onsets[:, 1] >= options.min_support_height
        )
        ignored.append(onsets[unknown, 0])
        negatives.append(onsets[~unknown & (onsets[:, 1] >= options.min_negative_height), 0])
    return LabelledOnsets(
        positives,
        np.sort(np.concatenate(ignored)),
        np.sort(np.concatenate(negatives)),
        s_height < options.min_partner_height,
    )


def _of_events(at: FloatArray, positives: FloatArray, phase: int, options: LabelOptions) -> BoolArray:
    """Return which onsets are a positive, or lie between the P of its event and the end of its coda."""
    p, s = positives[:, 0], positives[:, 1]
    after_p = at[:, None] > p
    repeats = after_p & (at[:, None] < s + options.coda * (s - p))
    same = np.abs(at[:, None] - positives[:, phase]) <= 0.3 * options.ignored_reach
    return np.asarray((same | repeats).any(axis=1))


def _positions(onsets: FloatArray, min_height: float) -> FloatArray:
    return onsets[onsets[:, 1] >= min_height, 0]


def _has_partner(
    at: FloatArray, partners: FloatArray, s_minus_p: tuple[float, float], rate: float, *, follows: bool
) -> BoolArray:
    near, far = (limit * rate for limit in s_minus_p)
    low, high = (at + near, at + far) if follows else (at - far, at - near)
    return np.searchsorted(partners, high, side="right") > np.searchsorted(partners, low, side="left")


def make_pseudo_labels(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    labelled_onsets: list[LabelledOnsets],
    n_samples: int,
    rng: np.random.Generator,
    label_sd: float,
    options: LabelOptions,
) -> PseudoLabels | None:
    """Read the windows of pseudo-labels; return None if there is no positive.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    stations : list of Station
        Its stations.
    high_pass : CausalHighPass
        Filter.
    labelled_onsets : list of LabelledOnsets
        For each station.
    n_samples : int
        Length of a window, twice that of the network.
    rng : Generator
        Draws the windows where there are too many.
    label_sd : float
        Standard deviation of a label in samples.
    options : LabelOptions
        Refinement by AIC, reach of ignored onsets, and number of windows.
    """
    refined = [
        _refined(recording, s, high_pass, m, options) for s, m in zip(stations, labelled_onsets, strict=True)
    ]
    positives = [(number, p, s) for number, labelled in enumerate(refined) for p, s in labelled.positives]
    negatives = [(number, at, at) for number, labelled in enumerate(refined) for at in labelled.negatives]
    chosen = [*_some(positives, options.max_windows, rng), *_some(negatives, options.max_windows, rng)]
    if not positives:
        return None
    windows, labels, weights = [], [], []
    for number, at, _ in chosen:
        first = round(at) - n_samples // 2
        windows.append(read_window(recording, stations[number], high_pass, first, first + n_samples))
        label, weight = label_window(refined[number], first, n_samples, label_sd, options.ignored_reach)
        labels.append(label.astype(np.float16))
        weights.append(weight)
    between = np.array([round(s - p) for _, p, s in chosen])
    n_positives = min(len(positives), options.max_windows)
    return PseudoLabels(np.stack(windows), np.stack(labels), np.stack(weights), between, n_positives)


def _some(
    items: list[tuple[int, float, float]], max_windows: int, rng: np.random.Generator
) -> list[tuple[int, float, float]]:
    if len(items) <= max_windows:
        return items
    return [items[i] for i in rng.choice(len(items), max_windows, replace=False)]


def _refined(
    recording: xr.DataArray,
    station: Station,
    high_pass: CausalHighPass,
    labelled: LabelledOnsets,
    options: LabelOptions,
) -> LabelledOnsets:
    """Refine the P of positives with a high SNR by AIC on the vertical component."""
    positives = labelled.positives.copy()
    half = options.noise_before + options.refining_reach
    for onset in positives:
        first = round(onset[0]) - half
        vertical = read_window(recording, station, high_pass, first, first + 2 * half)[2:]
        at = aic_onset(vertical, half, options.refining_reach)
        if abs(first + at - onset[0]) < options.max_refinement and _is_clear(vertical, at, options):
            onset[0] = first + at
    return replace(labelled, positives=positives)


def _is_clear(vertical: Float32Array, at: int, options: LabelOptions) -> bool:
    noise = float(vertical[:, max(0, at - options.noise_before) : at].std())
    peak = np.abs(vertical[:, at : at + options.peak_after]).max()
    return bool(peak >= options.min_snr_for_aic * noise > 0)


def label_window(
    labelled: LabelledOnsets, first: int, n_samples: int, label_sd: float, reach: int
) -> tuple[Float32Array, BoolArray]:
    """Return labels, shape (2, n_samples), and weights, shape (1, n_samples), of a window of one station.

    Parameters
    ----------
    labelled : LabelledOnsets
        Labelled onsets of the station; NaN stands for an onset that is not labelled.
    first, n_samples : int
        First sample of the window, and its length.
    label_sd : float
        Standard deviation of a label in samples.
    reach : int
        Samples without weight on either side of an ignored onset.
    """
    label = np.zeros((2, n_samples), np.float32)
    weight = np.ones((1, n_samples), bool)

    def near(positions: FloatArray) -> FloatArray:
        at = positions - first
        return at[(at > -reach) & (at < n_samples + reach)]

    for at in near(labelled.ignored):
        weight[:, max(0, int(at) - reach) : int(at) + reach] = False
    for phase in range(2):
        for at in near(labelled.positives[:, 0] if phase == 0 else labelled.positives[~labelled.faint_s, 1]):
            add_label(label[phase], at, label_sd)
            weight[:, max(0, int(at) - reach) : int(at) + reach] = True
    for at in near(labelled.positives[labelled.faint_s, 1]):
        weight[:, max(0, int(at) - reach) : int(at) + reach] = False
    return label, weight


def joined_labels(parts: Sequence[PseudoLabels]) -> PseudoLabels | None:
    """Join windows with pseudo-labels; the positives of all come first. Return None if there are none.

    Parameters
    ----------
    parts : sequence of PseudoLabels
        Windows of equal length.
    """
    if not parts:
        return None
    order = [
        (part, rows)
        for kind in (0, 1)
        for part in parts
        for rows in [slice(None, part.n_positives) if kind == 0 else slice(part.n_positives, None)]
    ]

    def joined(name: str) -> NDArray:
        return np.concatenate([getattr(part, name)[rows] for part, rows in order])

    return PseudoLabels(
        joined("windows"),
        joined("labels"),
        joined("weights"),
        joined("s_minus_p"),
        sum(part.n_positives for part in parts),
    )


def add_label(label: Float32Array, onset: float, sd: float) -> None:
    """Add an onset to a label of one phase, in place; it may lie outside the window.

    Parameters
    ----------
    label : ndarray, shape (n_samples,)
        Label.
    onset : float
        Sample of the onset.
    sd : float
        Standard deviation of its Gaussian in samples.
    """
    reach = int(4 * sd)
    first, last = max(0, int(onset) - reach), min(len(label), int(onset) + reach + 2)
    if first < last:
        shape = np.exp(-0.5 * ((np.arange(first, last) - onset) / sd) ** 2)
        label[first:last] = np.maximum(label[first:last], shape)
