"""Pseudo-labels from the consensus across stations: positives, negatives and ignored onsets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.consensus.agreement import Consensus, consensus_above_null, isolated_onsets
from selfseis.consensus.ps_pairs import Moveout
from selfseis.pick.baselines import aic_onset
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.noise_windows import read_window
from selfseis.recording.components import Station
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

MIN_PARTNER_HEIGHT = 0.3  # of both onsets of a pair: an onset with such a partner is ignored, not a negative
MIN_NEGATIVE_HEIGHT = 0.2  # of a negative
MIN_SUPPORT_HEIGHT = 0.1  # of an onset at another station that supports an onset
MIN_CONSENSUS_HEIGHT = 0.03  # of an onset in an event of the consensus
MIN_LABELLED_HEIGHT = 0.05  # of an onset that is labelled at all
MIN_ISOLATED_EVENT_HEIGHT = (
    0.9  # of an isolated onset that may belong to an event too small for the other stations
)
CODA = 0.5  # length of the coda after the S of a positive, in units of S - P
IGNORED_REACH = 60  # samples on either side of an ignored onset that have no weight
REFINING_REACH = 60  # samples on either side of a P within which AIC searches
MAX_REFINEMENT = 50  # samples
MIN_SNR_FOR_AIC = 12.0  # of a P that AIC refines; the network times weaker ones better
NOISE_BEFORE, PEAK_AFTER = 400, 100  # samples
MAX_WINDOWS = 700  # of each kind


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
    *,
    min_height: float = MIN_CONSENSUS_HEIGHT,
    shifts: int = 20,
    counted: Iterable[int] | None = None,
) -> Consensus:
    """Return the consensus across stations in spans of time."""
    pairs = [onsets.within(spans).above(min_height).pairs(rate, s_minus_p) for onsets in candidates]
    edges = np.array(spans, float) / rate
    return consensus_above_null(pairs, moveout, spans=edges, shifts=shifts, counted=counted)


def label_onsets(
    candidates: list[OnsetCandidates],
    consensus: Consensus,
    null_share: float,
    rate: float,
    moveout: Moveout,
    s_minus_p: tuple[float, float],
) -> list[LabelledOnsets]:
    """Label the onset candidates of each station as positives, negatives or ignored."""
    positives: list[list[tuple[float, float, float]]] = [[] for _ in candidates]
    for event in consensus.kept(null_share):
        for onset in event.onsets:
            positives[onset.station].append((onset.p_time * rate, onset.s_time * rate, onset.s_prob))
    return [
        _label_station(
            number, candidates, np.array(positives[number]).reshape(-1, 3), rate, moveout, s_minus_p
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
) -> LabelledOnsets:
    positives, s_height = positives[:, :2], positives[:, 2]
    ignored: list[FloatArray] = []
    negatives: list[FloatArray] = []
    others = [i for i in range(len(candidates)) if i != number]
    for phase, (here, partner) in enumerate((("p", "s"), ("s", "p"))):
        onsets = getattr(candidates[number], here)
        onsets = onsets[onsets[:, 1] >= MIN_LABELLED_HEIGHT]
        onsets = onsets[~_of_events(onsets[:, 0], positives, phase)]
        at_others = [_positions(getattr(candidates[i], here), MIN_SUPPORT_HEIGHT) for i in others]
        within = np.array([moveout.travel_limit[number, i] for i in others]) * rate
        alone = isolated_onsets(onsets[:, 0], at_others, within * (1.0, moveout.vp_vs)[phase])
        partners = _positions(getattr(candidates[number], partner), MIN_PARTNER_HEIGHT)
        in_pair = _has_partner(onsets[:, 0], partners, s_minus_p, rate, follows=phase == 0) & (
            onsets[:, 1] >= MIN_PARTNER_HEIGHT
        )
        unknown = (
            ~alone | (onsets[:, 1] >= MIN_ISOLATED_EVENT_HEIGHT) | in_pair
            if others
            else onsets[:, 1] >= MIN_SUPPORT_HEIGHT
        )
        ignored.append(onsets[unknown, 0])
        negatives.append(onsets[~unknown & (onsets[:, 1] >= MIN_NEGATIVE_HEIGHT), 0])
    return LabelledOnsets(
        positives,
        np.sort(np.concatenate(ignored)),
        np.sort(np.concatenate(negatives)),
        s_height < MIN_PARTNER_HEIGHT,
    )


def _of_events(at: FloatArray, positives: FloatArray, phase: int) -> BoolArray:
    """Return which onsets are a positive, or lie between the P of its event and the end of its coda."""
    p, s = positives[:, 0], positives[:, 1]
    after_p = at[:, None] > p
    repeats = after_p & (at[:, None] < s + CODA * (s - p))
    same = np.abs(at[:, None] - positives[:, phase]) <= 0.3 * IGNORED_REACH
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
    """
    refined = [_refined(recording, s, high_pass, m) for s, m in zip(stations, labelled_onsets, strict=True)]
    positives = [(number, p, s) for number, labelled in enumerate(refined) for p, s in labelled.positives]
    negatives = [(number, at, at) for number, labelled in enumerate(refined) for at in labelled.negatives]
    chosen = [*_some(positives, rng), *_some(negatives, rng)]
    if not positives:
        return None
    windows, labels, weights = [], [], []
    for number, at, _ in chosen:
        first = round(at) - n_samples // 2
        windows.append(read_window(recording, stations[number], high_pass, first, first + n_samples))
        label, weight = _labelled(refined[number], first, n_samples)
        labels.append(label.astype(np.float16))
        weights.append(weight)
    between = np.array([round(s - p) for _, p, s in chosen])
    return PseudoLabels(
        np.stack(windows), np.stack(labels), np.stack(weights), between, min(len(positives), MAX_WINDOWS)
    )


def _some(items: list[tuple[int, float, float]], rng: np.random.Generator) -> list[tuple[int, float, float]]:
    if len(items) <= MAX_WINDOWS:
        return items
    return [items[i] for i in rng.choice(len(items), MAX_WINDOWS, replace=False)]


def _refined(
    recording: xr.DataArray, station: Station, high_pass: CausalHighPass, labelled: LabelledOnsets
) -> LabelledOnsets:
    """Refine the P of positives with a high SNR by AIC on the vertical component."""
    positives = labelled.positives.copy()
    for onset in positives:
        first = round(onset[0]) - NOISE_BEFORE - REFINING_REACH
        vertical = read_window(
            recording, station, high_pass, first, first + 2 * (NOISE_BEFORE + REFINING_REACH)
        )[2:]
        at = aic_onset(vertical, NOISE_BEFORE + REFINING_REACH, REFINING_REACH)
        if abs(first + at - onset[0]) < MAX_REFINEMENT and _is_clear(vertical, at):
            onset[0] = first + at
    return replace(labelled, positives=positives)


def _is_clear(vertical: Float32Array, at: int) -> bool:
    noise = float(vertical[:, max(0, at - NOISE_BEFORE) : at].std())
    return bool(np.abs(vertical[:, at : at + PEAK_AFTER]).max() >= MIN_SNR_FOR_AIC * noise > 0)


def _labelled(labelled: LabelledOnsets, first: int, n_samples: int) -> tuple[Float32Array, BoolArray]:
    label = np.zeros((2, n_samples), np.float32)
    weight = np.ones((1, n_samples), bool)
    for at in _inside(labelled.ignored, first, n_samples):
        weight[:, max(0, int(at) - IGNORED_REACH) : int(at) + IGNORED_REACH] = False
    for phase in range(2):
        onsets = labelled.positives[:, 0] if phase == 0 else labelled.positives[~labelled.faint_s, 1]
        for at in _inside(onsets, first, n_samples):
            add_label(label[phase], at)
            weight[:, max(0, int(at) - IGNORED_REACH) : int(at) + IGNORED_REACH] = True
    for at in _inside(labelled.positives[labelled.faint_s, 1], first, n_samples):
        weight[:, max(0, int(at) - IGNORED_REACH) : int(at) + IGNORED_REACH] = False
    return label, weight


def _inside(positions: FloatArray, first: int, n_samples: int) -> FloatArray:
    at = positions - first
    return at[(at > -IGNORED_REACH) & (at < n_samples + IGNORED_REACH)]


LABEL_SD = 10.0  # samples: 0.1 s at 100 Hz, as in PhaseNet


def add_label(label: Float32Array, onset: float) -> None:
    """Add an onset to a label of one phase, in place; it may lie outside the window."""
    reach = int(4 * LABEL_SD)
    first, last = max(0, int(onset) - reach), min(len(label), int(onset) + reach + 2)
    if first < last:
        shape = np.exp(-0.5 * ((np.arange(first, last) - onset) / LABEL_SD) ** 2)
        label[first:last] = np.maximum(label[first:last], shape)
