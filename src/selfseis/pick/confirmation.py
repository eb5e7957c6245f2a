"""Calibration of scores by other stations, for picks without picks in reversed time.

A pick is confirmed if another station has one of the same phase within the travel time between them. Stations shifted
in time against each other give the share of false picks that are confirmed by coincidence. The excess over it, rising
with the score (isotonic regression), is a lower bound of the probability: an onset that only one station recorded is
never confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.consensus.agreement import isolated_onsets, time_with_data
from selfseis.consensus.ps_pairs import Moveout
from selfseis.pick.calibration import SECONDS_PER_DAY
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.model import OperatingPoint
from selfseis.pick.options import CalibrationOptions
from selfseis.typing import BoolArray, FloatArray

N_SHIFTS = 20  # as many as for the bound of false alarms per station
MAX_NULL_SHARE = 0.9  # where nearly all picks are confirmed by coincidence, confirmation says nothing


@dataclass(frozen=True, eq=False)
class ConfirmedScores:
    """Scores of picks of one phase, and the share of them that other stations confirm.

    Attributes
    ----------
    score : ndarray, shape (n_picks,)
        In ascending order.
    probability : ndarray, shape (n_picks,)
        Share confirmed beyond coincidence at each score; it never falls.
    null_share : float
        Mean share of picks that shifted stations confirm.
    days : float
        Station-days with data.
    """

    score: FloatArray
    probability: FloatArray
    null_share: float
    days: float

    def probability_of(self, score: FloatArray) -> FloatArray:
        """Return the share confirmed beyond coincidence at scores."""
        if not len(self.score):
            return np.zeros(len(score))
        return np.asarray(np.interp(score, self.score, self.probability))

    def threshold(self, point: OperatingPoint, options: CalibrationOptions = CalibrationOptions()) -> float:
        """Return the lowest score at which unconfirmed picks stay within an operating point; infinite if at none."""
        false = np.cumsum(1 - self.probability[::-1])
        if point.false_alarms_per_day is not None:
            within = false <= point.false_alarms_per_day * self.days
        else:
            share = false / np.arange(1, len(false) + 1)
            within = (share <= point.false_discovery_rate) & (
                self.probability[::-1] >= options.min_probability
            )
        found = np.flatnonzero(within)
        return float(self.score[::-1][found[-1]]) if len(found) else float("inf")


def confirmed_scores(
    candidates: list[OnsetCandidates],
    rate: float,
    spans: FloatArray,
    moveout: Moveout,
    seed: int = 0,
    options: CalibrationOptions = CalibrationOptions(),
) -> Mapping[Phase, ConfirmedScores]:
    """Calibrate the scores of picks by other stations.

    Parameters
    ----------
    candidates : list of OnsetCandidates
        Picks of each station; heights are scores.
    rate : float
        Sampling rate in Hz.
    spans : ndarray, shape (n_spans, 2)
        First and last times with data in s after the start of the recording.
    moveout : Moveout
        Limits of the moveout of one event.
    seed : int
        Seed of the shifts of the null.
    options : CalibrationOptions
        The highest probability.

    Returns
    -------
    dict of str to ConfirmedScores
        Of P and of S; without picks of a phase, its arrays are empty.
    """
    duration = float(np.diff(spans, axis=1).sum())
    days = duration * len(candidates) / SECONDS_PER_DAY
    known: dict[Phase, ConfirmedScores] = {}
    for phase in PHASES:
        onsets = [station.p if phase == "P" else station.s for station in candidates]
        times = [time_with_data(of_station[:, 0] / rate, spans) for of_station in onsets]
        limit = moveout.travel_limit * (moveout.vp_vs if phase == "S" else 1.0)
        excess, null = _excess(times, limit, duration, np.random.default_rng(seed))
        scores = np.concatenate([of_station[:, 1] for of_station in onsets])
        order = np.argsort(scores, kind="stable")
        probability = np.minimum(_rising(excess[order]), options.max_probability)
        known[phase] = ConfirmedScores(scores[order], probability, null, days)
    return known


def _excess(
    times: list[FloatArray], limit: FloatArray, duration: float, random: np.random.Generator
) -> tuple[FloatArray, float]:
    """Return the confirmation of each pick beyond coincidence, 1 or at most 0, and the share by coincidence."""
    parts, null_shares = [], []
    for station, own in enumerate(times):
        others = [np.sort(other) for n, other in enumerate(times) if n != station]
        reach = np.delete(limit[station], station)
        shifts = random.uniform(0.1, 0.9, N_SHIFTS) * duration
        null = [_confirmed((own + shift) % duration, others, reach) for shift in shifts]
        share = float(np.mean(np.concatenate(null))) if len(own) else 0.0
        parts.append(_beyond(_confirmed(own, others, reach), share))
        null_shares += [share] * len(own)
    return np.concatenate(parts), float(np.mean(null_shares)) if null_shares else 0.0


def _confirmed(times: FloatArray, others: list[FloatArray], reach: FloatArray) -> BoolArray:
    return ~isolated_onsets(times, others, reach)


def _beyond(confirmed: BoolArray, null_share: float) -> FloatArray:
    if null_share > MAX_NULL_SHARE:
        return np.zeros(len(confirmed))
    return np.asarray((confirmed - null_share) / (1 - null_share), np.float64)


def _rising(values: FloatArray) -> FloatArray:
    """Return the closest rising values between 0 and 1, with an unconfirmed pick added to each step."""
    from sklearn.isotonic import IsotonicRegression

    if not len(values):
        return values
    fitted = IsotonicRegression().fit_transform(np.arange(len(values)), values)
    block = np.cumsum(np.concatenate([[0], np.diff(fitted) > 1e-12]))
    count = np.bincount(block)
    share = np.bincount(block, weights=values) / (count + 1)
    return np.maximum.accumulate(np.clip(share, 0.0, 1.0))[block]
