"""Calibration of picks: probability, standard deviation of the time, and thresholds by false alarms per day.

The output of the network is only the height of a pick. Its probability on a recording comes from targets and decoys
(`selfseis.pick.false_discovery`). An injection test gives picks of known truth, onsets injected into the recording's
own noise, and with them the time uncertainty and the reliability of heights (isotonic regression; Zadrozny & Elkan,
2002, doi:10.1145/775047.775151).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.pick.inference import Annotator, onsets_of, peaks_of
from selfseis.pick.options import CalibrationOptions
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.typing import BoolArray, FloatArray

MIN_VALUE = 1e-6  # minimum distance of a height from 0 and 1, and minimum standard deviation in s
SECONDS_PER_DAY = 86400


@dataclass(frozen=True)
class Measured:
    """Picks of one phase whose truth is known.

    Attributes
    ----------
    hits : ndarray, shape (n_hits,)
        Heights of the picks at injected onsets.
    residual_s : ndarray, shape (n_hits,)
        Picked minus true time in s.
    false : ndarray, shape (n_false,)
        Heights of the picks where there is no onset.
    false_weight : float
        Weight of a false pick relative to a hit. With 1, the probability holds where onsets are as frequent as in the
        injection test.
    """

    hits: FloatArray
    residual_s: FloatArray
    false: FloatArray
    false_weight: float = 1.0


@dataclass(frozen=True)
class PhaseCalibration:
    """Increasing map from height to probability, and decreasing map from probability to time uncertainty.

    Attributes
    ----------
    height, probability : tuple of float
        Knots of the first map, which is piecewise linear.
    sd_probability, sd_s : tuple of float
        Knots of the second map: probability and standard deviation in s.
    """

    height: tuple[float, ...]
    probability: tuple[float, ...]
    sd_probability: tuple[float, ...]
    sd_s: tuple[float, ...]


@dataclass(frozen=True)
class Calibration:
    """Maps from the height of a pick to its probability and time uncertainty, for each phase.

    Attributes
    ----------
    phases : dict of str to PhaseCalibration
        Maps of P and S.
    """

    phases: Mapping[Phase, PhaseCalibration]

    @classmethod
    def none(cls, sd_s: float) -> Calibration:
        """Return the identity: heights are probabilities, and the standard deviation is constant."""
        identity = PhaseCalibration((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (sd_s, sd_s))
        return cls(dict.fromkeys(PHASES, identity))

    @classmethod
    def measure(
        cls,
        measured: Mapping[Phase, Measured],
        knots: Mapping[Phase, tuple[FloatArray, FloatArray]] | None = None,
        *,
        sd_s: float,
        options: CalibrationOptions = CalibrationOptions(),
    ) -> Calibration:
        """Fit the maps.

        Parameters
        ----------
        measured : dict of str to Measured
            Picks of P and of S whose truth is known: they give the time uncertainty.
        knots : dict of str to (ndarray, ndarray), optional
            Ascending heights and their probabilities on the recording itself. By default the probability is the share
            of true onsets among the picks of known truth.
        sd_s : float
            Standard deviation of the time in s if too few injected onsets were picked to measure it.
        options : CalibrationOptions
            Bins of the standard deviation.
        """
        knots = knots or {phase: _isotonic(known) for phase, known in measured.items()}
        return cls(
            {phase: _calibrated(known, knots[phase], sd_s, options) for phase, known in measured.items()}
        )

    def probability_of(self, phase: Phase, height: float | FloatArray) -> FloatArray:
        """Return the share of true onsets among picks of these heights."""
        map_ = self.phases[phase]
        return np.asarray(np.interp(height, map_.height, map_.probability))

    def height_of(self, phase: Phase, probability: float) -> float:
        """Return the minimum height of at least this probability; infinite if there is none."""
        map_ = self.phases[phase]
        if probability > map_.probability[-1]:
            return float("inf")
        after = max(int(np.searchsorted(map_.probability, probability)), 1)
        ends = slice(after - 1, after + 1)
        return float(np.interp(probability, map_.probability[ends], map_.height[ends]))

    def sd_of(self, phase: Phase, probability: float | FloatArray) -> FloatArray:
        """Return the standard deviation of the time in s."""
        map_ = self.phases[phase]
        return np.asarray(np.interp(probability, map_.sd_probability, map_.sd_s))

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        return {phase: {k: list(v) for k, v in asdict(map_).items()} for phase, map_ in self.phases.items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Calibration:
        """Read back what `to_dict` wrote.

        Raises
        ------
        KeyError, ValueError, TypeError
            If the content has another form.
        """
        return cls({phase: PhaseCalibration(**_tuples(content[phase])) for phase in PHASES})


@dataclass(frozen=True)
class ReliabilityBin:
    """Picks of similar stated probability, and the observed share of true onsets.

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
    """Compare stated probabilities with the observed share of true onsets, in bins of equal width without empty ones.

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


def held_out_reliability(
    measured: Measured, n_bins: int = 10, options: CalibrationOptions = CalibrationOptions()
) -> list[ReliabilityBin]:
    """Return the reliability of held-out picks by two-fold cross-validation.

    Parameters
    ----------
    measured : Measured
        Picks of one phase. False picks have a weight of one.
    n_bins : int
        Number of bins.
    options : CalibrationOptions
        As for `Calibration.measure`.
    """
    stated, true = [], []
    for half in (0, 1):
        of_half = Measured(measured.hits[half::2], measured.residual_s[half::2], measured.false[half::2])
        fitted = _calibrated(of_half, _isotonic(of_half), 1.0, options)
        for heights, is_true in (
            (measured.hits[1 - half :: 2], True),
            (measured.false[1 - half :: 2], False),
        ):
            stated.append(np.interp(heights, fitted.height, fitted.probability))
            true.append(np.full(len(heights), is_true))
    return reliability(np.concatenate(stated), np.concatenate(true), n_bins)


@dataclass(frozen=True)
class FalsePickTail:
    """Exponential tail of the log odds of the highest false picks, for numbers too low to be counted.

    `selfseis.validation.false_alarms` is another estimate, for scores without an upper limit: its tail is of the scores
    themselves and takes a tenth of the peaks. Heights end at 1, where only the log odds have such a tail.

    Attributes
    ----------
    n_picks : int
        Number of false picks in the tail.
    first : float
        Log odds of the lowest of them.
    scale : float
        Increase of the log odds by which the number falls by a factor e. It is one where there are too few picks to
        measure it.
    """

    n_picks: int
    first: float
    scale: float

    @classmethod
    def of(cls, heights: FloatArray, options: CalibrationOptions) -> FalsePickTail:
        """Return the tail of the heights of false picks, at least one, in descending order."""
        odds = _logit(np.asarray(heights[: options.max_tail], np.float64))
        measured = float(np.sum(odds - odds[-1])) / max(len(odds) - 1, 1)
        return cls(len(odds), float(odds[-1]), measured if len(odds) >= options.min_tail else 1.0)

    def number_above(self, height: FloatArray) -> FloatArray:
        """Return the expected number of false picks of at least a height."""
        beyond = np.maximum(_logit(height) - self.first, 0.0)
        return np.asarray(self.n_picks * np.exp(-beyond / max(self.scale, MIN_VALUE)))

    def height_of(self, number: float) -> float:
        """Return the height that an expected number of false picks reaches."""
        return _expit(self.first + self.scale * float(np.log(self.n_picks / number)))


def threshold_for(
    per_day: float,
    heights: FloatArray,
    days: float,
    *,
    lowest: float = 0.0,
    options: CalibrationOptions = CalibrationOptions(),
) -> float:
    """Return the height that false picks reach at a rate per day.

    Rates too low to be counted are extrapolated from the highest picks (`FalsePickTail`).

    Parameters
    ----------
    per_day : float
        Accepted false alarms per station and day.
    heights : ndarray, shape (n_picks,)
        Heights, between 0 and 1, of all false picks above `lowest`.
    days : float
        Station-days of the data with these picks.
    lowest : float
        Minimum height of a pick: the lower limit of the threshold, and its value if there is no false pick.
    options : CalibrationOptions
        Number of the highest picks that give the tail.
    """
    if not len(heights):
        return lowest
    falling, wanted = np.sort(np.asarray(heights, np.float64))[::-1], per_day * days
    tail = FalsePickTail.of(falling, options)
    if wanted >= tail.n_picks:
        return max(lowest, float(falling[min(round(wanted), len(falling)) - 1]))
    return max(lowest, tail.height_of(wanted))


def max_false_alarms(
    onsets: Sequence[FloatArray], within: FloatArray, duration: float, *, shifts: int = 20, seed: int = 0
) -> list[float]:
    """Return an upper bound of the false alarms of each station, from onsets without a counterpart elsewhere.

    True onsets have a counterpart at another station; false ones have one only by coincidence. Let u be the share of a
    station's onsets without a counterpart, and c that share for time-shifted onsets. At most u / c of the onsets are
    false. The true share is smaller, because small events reach one station only.

    Parameters
    ----------
    onsets : sequence of ndarray, shape (n_onsets,)
        Times of the picks of one phase at each station in s.
    within : ndarray, shape (n_stations, n_stations)
        Maximum time in s between counterparts.
    duration : float
        Length of the recording in s.
    shifts : int
        Number of circular shifts for the null.
    seed : int
        Seed of the shifts.

    Returns
    -------
    list of float
        False alarms per station and day; NaN for a single station, or if all shifted onsets have a counterpart.
    """
    from selfseis.consensus.agreement import isolated_onsets

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
        null = np.mean(
            [np.mean(isolated_onsets(np.sort((times + shift) % duration), others, reach)) for shift in by]
        )
        alone = float(np.mean(isolated_onsets(times, others, reach)))
        share = min(alone / null, 1.0) if null > 0 else float("nan")
        bounds.append(share * len(times) / duration * SECONDS_PER_DAY)
    return bounds


def _calibrated(
    measured: Measured, knots: tuple[FloatArray, FloatArray], sd_s: float, options: CalibrationOptions
) -> PhaseCalibration:
    height, probability = (tuple(np.asarray(values, float).tolist()) for values in knots)
    if len(measured.hits) < options.residuals_per_bin:
        return PhaseCalibration(height, probability, (0.0, 1.0), (sd_s, sd_s))
    stated = np.interp(measured.hits, height, probability)
    order = np.argsort(measured.hits, kind="stable")
    bins = np.array_split(order, min(options.max_residual_bins, len(order) // options.residuals_per_bin))
    medians = [float(np.median(stated[inside])) for inside in bins]
    spread = [_spread(measured.residual_s[inside]) for inside in bins]
    falling = _pool_adjacent(-np.array(spread), np.array([float(len(inside)) for inside in bins]))
    first = np.unique(medians, return_index=True)[1]
    return PhaseCalibration(
        height, probability, tuple(np.array(medians)[first].tolist()), tuple((-falling)[first].tolist())
    )


def _isotonic(measured: Measured) -> tuple[FloatArray, FloatArray]:
    """Return knots of the probability: the centres of the blocks of isotonic regression."""
    heights = np.concatenate([measured.hits, measured.false]).astype(np.float64)
    true = np.repeat([1.0, 0.0], [len(measured.hits), len(measured.false)])
    weight = np.repeat([1.0, measured.false_weight], [len(measured.hits), len(measured.false)])
    if not len(heights):
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    order = np.argsort(heights, kind="stable")
    heights, true, weight = heights[order], true[order], weight[order]
    fitted = _pool_adjacent(true, weight, heights)
    block = np.cumsum(np.concatenate([[0], np.abs(np.diff(fitted)) > 1e-12]))
    hits = np.bincount(block, weights=true * weight)
    total = np.bincount(block, weights=weight)
    middle = np.bincount(block, weights=heights * weight) / total
    # Half a pick of each kind is added (Jeffreys), so that a block of hits only has a probability below one.
    share = np.maximum.accumulate((hits + 0.5) / (total + 1))
    lowest, highest = np.minimum(0.0, middle[0] - 1e-9), np.maximum(1.0, middle[-1] + 1e-9)
    knots = np.concatenate([[lowest], middle, [highest]])
    return knots, np.concatenate([[0.0], share, share[-1:]])


def _pool_adjacent(values: FloatArray, weights: FloatArray, along: FloatArray | None = None) -> FloatArray:
    from sklearn.isotonic import IsotonicRegression

    along = np.arange(len(values), dtype=np.float64) if along is None else along
    return np.asarray(IsotonicRegression().fit(along, values, sample_weight=weights).predict(along))


def _spread(residual: FloatArray) -> float:
    """Return half the central 68% range of the residuals: a standard deviation robust to outliers."""
    low, high = np.quantile(residual, [0.1587, 0.8413])
    return float(max((high - low) / 2, MIN_VALUE))


def _wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def _logit(height: FloatArray) -> FloatArray:
    inside = np.clip(height, MIN_VALUE, 1 - MIN_VALUE)
    return np.log(inside / (1 - inside))


def _expit(odds: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(odds, -700, 700))))


def _tuples(content: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(float(value) for value in values) for name, values in content.items()}


@dataclass(frozen=True, eq=False)
class InjectionTest:
    """Result of an injection test.

    Attributes
    ----------
    measured : dict of str to Measured
        Picks of P and of S, at injected onsets and elsewhere.
    n_onsets : dict of str to int
        Number of injected onsets.
    """

    measured: dict[Phase, Measured]
    n_onsets: dict[Phase, int]

    @property
    def counts(self) -> dict[Phase, dict[str, int]]:
        """Numbers of injected onsets and of those that were picked."""
        return {
            phase: {"number": n, "picked": len(self.measured[phase].hits)}
            for phase, n in self.n_onsets.items()
        }


def run_injection_test(
    annotator: Annotator, maker: ExampleMaker, rate: float, seed: int, options: CalibrationOptions
) -> InjectionTest:
    """Inject synthetic onsets into held-out noise and pick them.

    Parameters
    ----------
    annotator : Annotator
        Inference with the network.
    maker : ExampleMaker
        Source of windows with injected onsets.
    rate : float
        Sampling rate in Hz.
    seed : int
        Seed of the onsets.
    options : CalibrationOptions
        Number of windows, and the maximum distance of a hit from its onset.
    """
    examples = maker.synthetic(np.random.default_rng([seed, 7]), options.n_injections, held_out=True)
    kinds = ("hits", "residual_s", "false")
    known: dict[Phase, dict[str, list[FloatArray]]] = {
        phase: {kind: [] for kind in kinds} for phase in PHASES
    }
    n_onsets = dict.fromkeys(PHASES, 0)
    for window, labels in zip(examples.windows, examples.labels, strict=True):
        for phase, label, (at, height) in zip(
            PHASES, labels, onsets_of(annotator.probabilities(window), annotator.options), strict=True
        ):
            truth, _ = peaks_of(label, 0.99, 1)
            n_onsets[phase] += len(truth)
            residual = at[:, None] - truth
            nearest = np.abs(residual).argmin(axis=1) if len(truth) else np.zeros(len(at), int)
            off = residual[np.arange(len(at)), nearest] if len(truth) else np.full(len(at), np.inf)
            hit = np.abs(off) <= options.hit_within
            known[phase]["hits"].append(height[hit])
            known[phase]["residual_s"].append(off[hit] / rate)
            known[phase]["false"].append(height[~hit])
    measured = {
        phase: Measured(*(np.concatenate(values[kind]) for kind in kinds))  # type: ignore[arg-type]
        for phase, values in known.items()
    }
    return InjectionTest(measured, n_onsets)
