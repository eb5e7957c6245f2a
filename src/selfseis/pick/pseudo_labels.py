"""What the array teaches: windows about onsets that stations agree on, and about picks that they refute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.consensus.agreement import Consensus, consensus_above_null, lonely
from selfseis.consensus.ps_pairs import Moveout
from selfseis.pick.baselines import aic_onset
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.noise_windows import read_window
from selfseis.recording.components import Station
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

SURE = 0.3  # height from which an onset without a partner is left open rather than refuted, if it has an S or a P
NEGATIVE = 0.2  # height from which an onset that nothing supports is a mistake to learn from
FAINT = 0.1  # height from which an onset counts as the partner of another
FAINTEST = 0.03  # height from which an onset may belong to an event that stations agree on
NOTICED = 0.05  # height below which an onset is not worth a word
STRONG = 0.9  # height from which a lonely onset may be an event too small for the other stations
CODA = 0.5  # of S - P: how long after the S of an agreed event what is found is taken for its coda
OPEN_REACH = 60  # samples to either side of an open onset of which nothing is said
REFINING_REACH = 60
REFINING_MOST = 50
CLEAR = 12.0  # times the noise that a P must be for AIC to place it: of fainter ones the network knows better
NOISE_BEFORE, PEAK_AFTER = 400, 100  # samples
MAX_WINDOWS = 700  # of each kind


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """Windows that the array has taught.

    Attributes
    ----------
    windows : ndarray, shape (n, 3, n_samples)
        East, north, vertical; the onset in question lies in the middle.
    labels : ndarray, shape (n, 2, n_samples)
        Of P and S, all agreed onsets in the window.
    weights : ndarray, shape (n, 1, n_samples)
        Zero about open onsets.
    s_minus_p : ndarray, shape (n,)
        Samples from the P in the middle to its S; 0 in a window about a refuted onset.
    n_agreed : int
        The first so many windows are about agreed events, the others about refuted onsets.
    """

    windows: Float32Array
    labels: NDArray[np.float16]
    weights: BoolArray
    s_minus_p: IndexArray
    n_agreed: int


@dataclass(frozen=True, eq=False)
class LabelledOnsets:
    """What is known of the onsets of one station; positions in samples.

    Attributes
    ----------
    agreed : ndarray, shape (n_events, 2)
        P and S of the events that it shares with others.
    open : ndarray, shape (n_open,)
        Onsets of which nobody knows. Those that only repeat an agreed event, before its coda is over, are not among
        them: that they are no onsets is taught with the event.
    refuted : ndarray, shape (n_refuted,)
        Onsets that nothing supports.
    faint_s : ndarray of bool, shape (n_events,)
        Agreed events whose S is too faint to say when it is: it is neither taught nor denied.
    """

    positives: FloatArray
    open: FloatArray
    negatives: FloatArray
    faint_s: BoolArray


def consensus_of(
    found: list[OnsetCandidates],
    rate: float,
    s_minus_p: tuple[float, float],
    moveout: Moveout,
    spans: list[tuple[int, int]],
    *,
    bar: float = FAINTEST,
    shifts: int = 20,
    counted: Iterable[int] | None = None,
) -> Consensus:
    """Find what stations agree on in spans of time; one station alone has its own pairs only."""
    pairs = [onsets.within(spans).above(bar).pairs(rate, s_minus_p) for onsets in found]
    edges = np.array(spans, float) / rate
    return consensus_above_null(pairs, moveout, spans=edges, shifts=shifts, counted=counted)


def label_onsets(
    found: list[OnsetCandidates],
    consensus: Consensus,
    null_share: float,
    rate: float,
    moveout: Moveout,
    s_minus_p: tuple[float, float],
) -> list[LabelledOnsets]:
    """Sort the onsets of each station into agreed, open and refuted ones."""
    positives: list[list[tuple[float, float, float]]] = [[] for _ in found]
    for event in consensus.kept(null_share):
        for onset in event.onsets:
            positives[onset.station].append((onset.p_time * rate, onset.s_time * rate, onset.s_prob))
    return [
        _marked(number, found, np.array(positives[number]).reshape(-1, 3), rate, moveout, s_minus_p)
        for number in range(len(found))
    ]


def _marked(
    number: int,
    found: list[OnsetCandidates],
    positives: FloatArray,
    rate: float,
    moveout: Moveout,
    s_minus_p: tuple[float, float],
) -> LabelledOnsets:
    positives, s_height = positives[:, :2], positives[:, 2]
    open_, negatives = [], []
    others = [i for i in range(len(found)) if i != number]
    for phase, (here, partner) in enumerate((("p", "s"), ("s", "p"))):
        onsets = getattr(found[number], here)
        onsets = onsets[onsets[:, 1] >= NOTICED]
        onsets = onsets[~_of_events(onsets[:, 0], positives, phase)]
        seen_there = [_positions(getattr(found[i], here), FAINT) for i in others]
        within = np.array([moveout.travel_limit[number, i] for i in others]) * rate
        alone = lonely(onsets[:, 0], seen_there, within * (1.0, moveout.vp_vs)[phase])
        mate = _positions(getattr(found[number], partner), SURE)
        mated = _has_mate(onsets[:, 0], mate, s_minus_p, rate, follows=phase == 0) & (onsets[:, 1] >= SURE)
        unknown = ~alone | (onsets[:, 1] >= STRONG) | mated if others else onsets[:, 1] >= FAINT
        open_.append(onsets[unknown, 0])
        negatives.append(onsets[~unknown & (onsets[:, 1] >= NEGATIVE), 0])
    return LabelledOnsets(
        positives, np.sort(np.concatenate(open_)), np.sort(np.concatenate(negatives)), s_height < SURE
    )


def _of_events(at: FloatArray, positives: FloatArray, phase: int) -> BoolArray:
    """Say which onsets are an agreed one, or lie between its event's P and the end of its coda."""
    p, s = positives[:, 0], positives[:, 1]
    after_p = at[:, None] > p
    repeats = after_p & (at[:, None] < s + CODA * (s - p))
    same = np.abs(at[:, None] - positives[:, phase]) <= 0.3 * OPEN_REACH
    return np.asarray((same | repeats).any(axis=1))


def _positions(onsets: FloatArray, bar: float) -> FloatArray:
    return onsets[onsets[:, 1] >= bar, 0]


def _has_mate(
    at: FloatArray, mates: FloatArray, s_minus_p: tuple[float, float], rate: float, *, follows: bool
) -> BoolArray:
    near, far = (limit * rate for limit in s_minus_p)
    low, high = (at + near, at + far) if follows else (at - far, at - near)
    return np.searchsorted(mates, high, side="right") > np.searchsorted(mates, low, side="left")


def make_pseudo_labels(
    recording: xr.DataArray,
    stations: list[Station],
    high_pass: CausalHighPass,
    labelled_onsets: list[LabelledOnsets],
    n_samples: int,
    rng: np.random.Generator,
) -> PseudoLabels | None:
    """Read the windows of a lesson; None where there is nothing to teach.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    stations : list of Station
        Its stations.
    high_pass : CausalHighPass
        Filter.
    marks : list of Marked
        Of each station.
    n_samples : int
        Length of a window, twice that of the network's.
    rng : Generator
        Chooses where there are too many.
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
    """Move agreed P that are clear to where the vertical component changes the most."""
    positives = labelled.positives.copy()
    for onset in positives:
        first = round(onset[0]) - NOISE_BEFORE - REFINING_REACH
        vertical = read_window(
            recording, station, high_pass, first, first + 2 * (NOISE_BEFORE + REFINING_REACH)
        )[2:]
        at = aic_onset(vertical, NOISE_BEFORE + REFINING_REACH, REFINING_REACH)
        if abs(first + at - onset[0]) < REFINING_MOST and _is_clear(vertical, at):
            onset[0] = first + at
    return replace(labelled, positives=positives)


def _is_clear(vertical: Float32Array, at: int) -> bool:
    noise = float(vertical[:, max(0, at - NOISE_BEFORE) : at].std())
    return bool(np.abs(vertical[:, at : at + PEAK_AFTER]).max() >= CLEAR * noise > 0)


def _labelled(labelled: LabelledOnsets, first: int, n_samples: int) -> tuple[Float32Array, BoolArray]:
    label = np.zeros((2, n_samples), np.float32)
    weight = np.ones((1, n_samples), bool)
    for at in _inside(labelled.open, first, n_samples):
        weight[:, max(0, int(at) - OPEN_REACH) : int(at) + OPEN_REACH] = False
    for phase in range(2):
        training = labelled.positives[:, 0] if phase == 0 else labelled.positives[~labelled.faint_s, 1]
        for at in _inside(training, first, n_samples):
            add_label(label[phase], at)
            weight[:, max(0, int(at) - OPEN_REACH) : int(at) + OPEN_REACH] = True
    for at in _inside(labelled.positives[labelled.faint_s, 1], first, n_samples):
        weight[:, max(0, int(at) - OPEN_REACH) : int(at) + OPEN_REACH] = False
    return label, weight


def _inside(positions: FloatArray, first: int, n_samples: int) -> FloatArray:
    at = positions - first
    return at[(at > -OPEN_REACH) & (at < n_samples + OPEN_REACH)]


LABEL_SD = 10.0  # samples: 0.1 s at 100 Hz, as PhaseNet has it


def add_label(label: Float32Array, onset: float) -> None:
    """Put an onset into a label of one phase, in place; it may lie outside."""
    reach = int(4 * LABEL_SD)
    first, last = max(0, int(onset) - reach), min(len(label), int(onset) + reach + 2)
    if first < last:
        shape = np.exp(-0.5 * ((np.arange(first, last) - onset) / LABEL_SD) ** 2)
        label[first:last] = np.maximum(label[first:last], shape)
