"""Picks that mean what they say: probability, standard deviation of the time, and threshold by false alarms a day.

All of it is measured where the truth is known: onsets injected into the recording's own noise, and picks where no
onset was injected. What a network calls 0.9 is then only a height; the share of true onsets among picks of that
height is the probability (isotonic regression; Zadrozny & Elkan, 2002, doi:10.1145/775047.775151).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.pick.inference import APART, LOWEST, Annotator, peaks_of
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.typing import BoolArray, Float32Array, FloatArray

SMALLEST = 1e-6  # distance of a height from 0 and 1 below which its odds are rounding
RESIDUALS_IN_A_BIN = 25

# Peaks of noise from which rates are extrapolated. Fewer scatter more; more of them bias rates below one in the record
# where the tail is lighter than exponential: measured for Beta, normal and exponential odds.
TAIL = 20
MIN_OF_TAIL = 5


@dataclass(frozen=True)
class Measured:
    """Picks of one phase whose truth is known.

    Attributes
    ----------
    hits : ndarray, shape (n_hits,)
        Heights of the picks at injected onsets.
    residual_s : ndarray, shape (n_hits,)
        Picked less true time in s.
    false : ndarray, shape (n_false,)
        Heights of the picks where there is no onset.
    false_weight : float
        How many false picks in the recording one of `false` stands for, for each that a hit stands for. With 1 the
        probability holds where onsets are as frequent as they were injected.
    """

    hits: FloatArray
    residual_s: FloatArray
    false: FloatArray
    false_weight: float = 1.0


@dataclass(frozen=True)
class PhaseCalibration:
    """A rising map from height to probability, and a falling one from probability to time uncertainty.

    Attributes
    ----------
    height, probability : tuple of float
        Knots of the first, joined by straight lines.
    sure, sd_s : tuple of float
        Knots of the second: probability and standard deviation in s.
    """

    height: tuple[float, ...]
    probability: tuple[float, ...]
    sure: tuple[float, ...]
    sd_s: tuple[float, ...]


@dataclass(frozen=True)
class Calibration:
    """What heights of picks mean, for each phase.

    Attributes
    ----------
    phases : dict of str to PhaseCalibration
        One for each of P and S.
    """

    phases: Mapping[Phase, PhaseCalibration]

    @classmethod
    def none(cls, sd_s: float) -> Calibration:
        """Take heights for probabilities, and one standard deviation for all."""
        plain = PhaseCalibration((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (sd_s, sd_s))
        return cls(dict.fromkeys(PHASES, plain))

    @classmethod
    def measure(cls, measured: Mapping[Phase, Measured], *, sd_s: float) -> Calibration:
        """Learn what heights mean from picks whose truth is known.

        Parameters
        ----------
        measured : dict of str to Measured
            For each of P and S.
        sd_s : float
            Standard deviation of the time in s where too few injected onsets were picked to measure it.
        """
        return cls({phase: _calibrated(known, sd_s) for phase, known in measured.items()})

    def probability_of(self, phase: Phase, height: float | FloatArray) -> FloatArray:
        """Return the share of true onsets among picks of these heights."""
        map_ = self.phases[phase]
        return np.asarray(np.interp(height, map_.height, map_.probability))

    def height_of(self, phase: Phase, probability: float) -> float:
        """Return the least height that means at least this probability; infinite where none does."""
        map_ = self.phases[phase]
        if probability > map_.probability[-1]:
            return float("inf")
        after = max(int(np.searchsorted(map_.probability, probability)), 1)
        ends = slice(after - 1, after + 1)
        return float(np.interp(probability, map_.probability[ends], map_.height[ends]))

    def sd_of(self, phase: Phase, probability: float | FloatArray) -> FloatArray:
        """Return the standard deviation of the time in s."""
        map_ = self.phases[phase]
        return np.asarray(np.interp(probability, map_.sure, map_.sd_s))

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {phase: {k: list(v) for k, v in asdict(map_).items()} for phase, map_ in self.phases.items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `to_dict` described.

        Raises
        ------
        KeyError, ValueError, TypeError
            If it is another thing.
        """
        return cls({phase: PhaseCalibration(**_tuples(content[phase])) for phase in PHASES})


@dataclass(frozen=True)
class ReliabilityBin:
    """Picks of about the same stated probability, and what they were.

    Attributes
    ----------
    stated : float
        Mean of the stated probabilities.
    observed, low, high : float
        Share of true onsets, with its 95% interval (Wilson).
    count : int
        Number of picks.
    """

    stated: float
    observed: float
    low: float
    high: float
    count: int


def reliability(stated: FloatArray, true: BoolArray, n_bins: int = 10) -> list[ReliabilityBin]:
    """Compare stated probabilities with what came true, in bins of equal width; empty ones are left out.

    Parameters
    ----------
    stated : ndarray, shape (n_picks,)
        Probabilities.
    true : ndarray of bool, shape (n_picks,)
        Whether there was an onset.
    n_bins : int
        Number of bins.
    """
    which = np.minimum((np.asarray(stated) * n_bins).astype(int), n_bins - 1)
    bins = []
    for number in np.unique(which):
        inside = which == number
        count = int(inside.sum())
        share = float(np.mean(true[inside]))
        low, high = _wilson(share, count)
        bins.append(ReliabilityBin(float(np.mean(stated[inside])), share, low, high, count))
    return bins


def reliability_held_out(measured: Measured, n_bins: int = 10) -> list[ReliabilityBin]:
    """Return the reliability of picks that were not calibrated with: each half by what the other half taught.

    Parameters
    ----------
    measured : Measured
        Of one phase. False picks count once each, whatever they stand for.
    n_bins : int
        Number of bins.
    """
    stated, true = [], []
    for half in (0, 1):
        training = _calibrated(
            Measured(measured.hits[half::2], measured.residual_s[half::2], measured.false[half::2]), 1.0
        )
        for heights, is_true in (
            (measured.hits[1 - half :: 2], True),
            (measured.false[1 - half :: 2], False),
        ):
            stated.append(np.interp(heights, training.height, training.probability))
            true.append(np.full(len(heights), is_true))
    return reliability(np.concatenate(stated), np.concatenate(true), n_bins)


def threshold_for(per_day: float, heights: FloatArray, days: float, *, lowest: float = 0.0) -> float:
    """Return the height that picks in noise reach at a rate per day.

    Rates too low to be counted are extrapolated from the highest picks: the logarithm of the odds of a height has an
    exponential tail.

    Parameters
    ----------
    per_day : float
        False alarms per station and day that are accepted.
    heights : ndarray, shape (n_picks,)
        Heights, between 0 and 1, of all picks above `lowest` where there is no onset.
    days : float
        Station-days that were searched for them.
    lowest : float
        Height above which picks were looked for: the least threshold, and the one where noise has no pick.
    """
    if not len(heights):
        return lowest
    odds = np.sort(_logit(np.asarray(heights, np.float64)))[::-1]
    wanted, tail = per_day * days, min(TAIL, len(odds))
    if wanted >= tail:
        return max(lowest, _expit(odds[min(round(wanted), len(odds)) - 1]))
    excess = odds[:tail] - odds[tail - 1]
    scale = excess.sum() / (tail - 1) if tail >= MIN_OF_TAIL else 1.0
    return max(lowest, _expit(odds[tail - 1] + scale * float(np.log(tail / wanted))))


def max_false_alarms(
    onsets: Sequence[FloatArray], within: FloatArray, duration: float, *, shifts: int = 20, seed: int = 0
) -> list[float]:
    """Bound the false alarms of each station from above by what no other station shares, with no label.

    Real onsets have a like at another station; false ones have one by chance only. Where a share u of a station's
    onsets is unshared, and chance leaves a share c of shifted onsets unshared, at most u / c of them are false:
    fewer, since small events reach one station only.

    Parameters
    ----------
    onsets : sequence of ndarray, shape (n_onsets,)
        Times of the picks of one phase at each station in s.
    within : ndarray, shape (n_stations, n_stations)
        How near in s a like must be.
    duration : float
        Length of the recording in s.
    shifts : int
        Circular shifts by which chance is measured.
    seed : int
        Seed of the shifts.

    Returns
    -------
    list of float
        Per station and day; not a number for one station alone or where chance leaves none unshared.
    """
    from selfseis.consensus.agreement import lonely

    random = np.random.default_rng(seed)
    sorted_onsets = [np.sort(times) for times in onsets]
    bounds = []
    for station, times in enumerate(sorted_onsets):
        others = [other for index, other in enumerate(sorted_onsets) if index != station]
        reach = np.delete(np.asarray(within)[station], station)
        if not others or not len(times):
            bounds.append(float("nan") if not others else 0.0)
            continue
        by = random.uniform(0.1, 0.9, shifts) * duration
        null = np.mean([np.mean(lonely(np.sort((times + shift) % duration), others, reach)) for shift in by])
        alone = float(np.mean(lonely(times, others, reach)))
        share = min(alone / null, 1.0) if null > 0 else float("nan")
        bounds.append(share * len(times) / duration * 86400)
    return bounds


def _calibrated(measured: Measured, sd_s: float) -> PhaseCalibration:
    height, probability = _isotonic(measured)
    if len(measured.hits) < RESIDUALS_IN_A_BIN:
        return PhaseCalibration(height, probability, (0.0, 1.0), (sd_s, sd_s))
    stated = np.interp(measured.hits, height, probability)
    order = np.argsort(measured.hits, kind="stable")
    bins = np.array_split(order, min(8, len(order) // RESIDUALS_IN_A_BIN))
    sure = [float(np.median(stated[inside])) for inside in bins]
    spread = [_spread(measured.residual_s[inside]) for inside in bins]
    falling = _pool_adjacent(-np.array(spread), np.array([float(len(inside)) for inside in bins]))
    first = np.unique(sure, return_index=True)[1]
    return PhaseCalibration(
        height, probability, tuple(np.array(sure)[first].tolist()), tuple((-falling)[first].tolist())
    )


def _isotonic(measured: Measured) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return knots of the probability: the middles of the blocks of isotonic regression."""
    heights = np.concatenate([measured.hits, measured.false]).astype(np.float64)
    true = np.repeat([1.0, 0.0], [len(measured.hits), len(measured.false)])
    weight = np.repeat([1.0, measured.false_weight], [len(measured.hits), len(measured.false)])
    if not len(heights):
        return (0.0, 1.0), (0.0, 1.0)
    order = np.argsort(heights, kind="stable")
    heights, true, weight = heights[order], true[order], weight[order]
    fitted = _pool_adjacent(true, weight, heights)
    block = np.cumsum(np.concatenate([[0], np.abs(np.diff(fitted)) > 1e-12]))
    hits = np.bincount(block, weights=true * weight)
    total = np.bincount(block, weights=weight)
    middle = np.bincount(block, weights=heights * weight) / total
    # A block of hits alone is not certain: half a pick of each kind is added (Jeffreys).
    share = np.maximum.accumulate((hits + 0.5) / (total + 1))
    lowest, highest = np.minimum(0.0, middle[0] - 1e-9), np.maximum(1.0, middle[-1] + 1e-9)
    knots = np.concatenate([[lowest], middle, [highest]])
    return tuple(knots.tolist()), tuple(np.concatenate([[0.0], share, share[-1:]]).tolist())


def _pool_adjacent(values: FloatArray, weights: FloatArray, along: FloatArray | None = None) -> FloatArray:
    from sklearn.isotonic import IsotonicRegression

    along = np.arange(len(values), dtype=np.float64) if along is None else along
    return np.asarray(IsotonicRegression().fit(along, values, sample_weight=weights).predict(along))


def _spread(residual: FloatArray) -> float:
    """Return half of the range that holds 68% of the residuals: one standard deviation, outliers left out."""
    low, high = np.quantile(residual, [0.1587, 0.8413])
    return float(max((high - low) / 2, SMALLEST))


def _wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def _logit(height: FloatArray) -> FloatArray:
    inside = np.clip(height, SMALLEST, 1 - SMALLEST)
    return np.log(inside / (1 - inside))


def _expit(odds: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(odds, -700, 700))))


def _tuples(content: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(float(value) for value in values) for name, values in content.items()}


N_INJECTIONS = 400
NEAR = 50  # samples within which a pick is that of an onset: 0.5 s at 100 Hz
SECONDS_A_DAY = 86400
MIN_COUNTED = 10  # false picks below which a rate is extrapolated
MAX_KEPT = 2000  # false picks that a saved picker remembers, for each phase


@dataclass(frozen=True, eq=False)
class InjectionTest:
    """What a picker did where the truth is known.

    Attributes
    ----------
    measured : dict of str to Measured
        Picks of P and of S, at onsets and elsewhere.
    n_onsets : dict of str to int
        Onsets that were put in.
    """

    measured: dict[Phase, Measured]
    n_onsets: dict[Phase, int]

    @property
    def counts(self) -> dict[Phase, dict[str, int]]:
        """How many onsets were put in, and how many of them were picked."""
        return {
            phase: {"number": n, "picked": len(self.measured[phase].hits)}
            for phase, n in self.n_onsets.items()
        }


def run_injection_test(annotator: Annotator, maker: ExampleMaker, rate: float, seed: int) -> InjectionTest:
    """Put onsets into hidden noise, and see what is picked.

    Parameters
    ----------
    annotator : Annotator
        Runs the network.
    maker : ExampleMaker
        Makes windows with onsets.
    rate : float
        Sampling rate in Hz.
    seed : int
        Seed of the onsets.
    """
    examples = maker.synthetic(np.random.default_rng([seed, 7]), N_INJECTIONS, hidden=True)
    kinds = ("hits", "residual_s", "false")
    known: dict[Phase, dict[str, list[FloatArray]]] = {
        phase: {kind: [] for kind in kinds} for phase in PHASES
    }
    n_onsets = dict.fromkeys(PHASES, 0)
    for window, labels in zip(examples.windows, examples.labels, strict=True):
        for phase, label, (at, height) in zip(PHASES, labels, _picked(annotator, window), strict=True):
            truth, _ = peaks_of(label, 0.99, 1)
            n_onsets[phase] += len(truth)
            residual = at[:, None] - truth
            nearest = np.abs(residual).argmin(axis=1) if len(truth) else np.zeros(len(at), int)
            off = residual[np.arange(len(at)), nearest] if len(truth) else np.full(len(at), np.inf)
            hit = np.abs(off) <= NEAR
            known[phase]["hits"].append(height[hit])
            known[phase]["residual_s"].append(off[hit] / rate)
            known[phase]["false"].append(height[~hit])
    measured = {
        phase: Measured(*(np.concatenate(values[kind]) for kind in kinds))  # type: ignore[arg-type]
        for phase, values in known.items()
    }
    return InjectionTest(measured, n_onsets)


@dataclass(frozen=True, eq=False)
class FalsePicks:
    """Picks in data that run backwards.

    Attributes
    ----------
    heights : dict of str to ndarray
        For each phase, the highest first.
    days : float
        Station-days of these data.
    """

    heights: dict[Phase, FloatArray]
    days: float

    def threshold(self, phase: Phase, per_day: float) -> float:
        """Return the height that false picks reach at a rate per day and station."""
        return threshold_for(per_day, self.heights[phase], self.days, lowest=LOWEST)

    def is_extrapolated(self, per_day: float) -> bool:
        """Whether a rate is too low to be counted."""
        return per_day * self.days < MIN_COUNTED

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: the highest of them."""
        kept = {phase: np.round(heights[:MAX_KEPT], 6).tolist() for phase, heights in self.heights.items()}
        return {"days": self.days, "heights": kept}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> FalsePicks:
        """Return the picks that `to_dict` described."""
        heights = {phase: np.array(content["heights"][phase], np.float64) for phase in PHASES}
        return cls(heights, float(content["days"]))


def false_picks(annotator: Annotator, windows: Iterable[Float32Array], rate: float) -> FalsePicks:
    """Pick windows that run backwards.

    Parameters
    ----------
    annotator : Annotator
        Runs the network.
    windows : iterable of ndarray, shape (3, n_samples)
        East, north and vertical, filtered.
    rate : float
        Sampling rate in Hz.
    """
    heights: dict[Phase, list[FloatArray]] = {phase: [np.zeros(0)] for phase in PHASES}
    n_samples = 0
    for window in windows:
        n_samples += window.shape[1]
        backwards = np.ascontiguousarray(window[:, ::-1])
        for phase, (_, height) in zip(PHASES, _picked(annotator, backwards), strict=True):
            heights[phase].append(height)
    falling = {phase: np.sort(np.concatenate(h))[::-1] for phase, h in heights.items()}
    return FalsePicks(falling, n_samples / rate / SECONDS_A_DAY)


def _picked(annotator: Annotator, window: Float32Array) -> Iterator[tuple[FloatArray, FloatArray]]:
    for probability in annotator.probabilities(window):
        yield peaks_of(probability, LOWEST, APART)
