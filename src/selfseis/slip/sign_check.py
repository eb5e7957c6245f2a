"""Check of the sign and unit of InSAR scenes against GNSS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfseis.inversion import LinearProblem, Noise, fit_model
from selfseis.quality_log import QualityLog
from selfseis.slip.gnss import Gnss
from selfseis.slip.insar import Insar
from selfseis.slip.patch_groups import PatchGroups
from selfseis.slip.problem import GNSS, Observations, first_prior, ramps, slip_operator
from selfseis.typing import FloatArray

CLEAR = 0.3
SAME_SHAPE = 0.7
NEAR_POWER = 0.3
ENOUGH_PIXELS = 150
FIRST_GNSS_SD_M = 0.01


@dataclass(frozen=True)
class SignCheck:
    """Result of the sign check of one scene.

    Attributes
    ----------
    scene : str
    correlation : float
        Correlation of the scene with the prediction from GNSS at its pixels; NaN without GNSS.
    turned : bool
        Whether the sign was reversed.
    compared_with : str
        Data used for the comparison: ``GNSS`` or ``nothing``.
    reason : str
        Explanation in a sentence.
    """

    scene: str
    correlation: float
    turned: bool
    compared_with: str
    reason: str


def check_signs(
    gnss: Gnss | None, scenes: Sequence[Insar], patch_groups: PatchGroups, quality_log: QualityLog
) -> tuple[list[Insar], list[SignCheck]]:
    """Compare each scene with the displacement predicted from GNSS, and correct reversed signs and other units.

    The prediction comes from a smooth slip model of the GNSS data alone; a ramp is removed first. A scene is reversed
    if the correlation is clearly negative. A scene of the same shape that is 10, 100 or 1,000 times as large or small
    is in another unit, and is scaled. Without GNSS the scenes are not changed.

    Parameters
    ----------
    gnss : Gnss or None
    scenes : sequence of Insar
    patch_groups : PatchGroups
    quality_log : QualityLog
        Log of the changes.

    Returns
    -------
    scenes : list of Insar
    checks : list of SignCheck
    """
    if gnss is None or len(gnss) < 2:
        return list(scenes), [
            SignCheck(
                scene.name,
                float("nan"),
                False,
                "nothing",
                "No GNSS to compare with: the sign is kept.",
            )
            for scene in scenes
        ]
    checked, checks = [], []
    fault = patch_groups.fault
    model = _slip_from_gnss(gnss, patch_groups)
    for scene in scenes:
        sample = scene.take(np.linspace(0, len(scene) - 1, min(len(scene), ENOUGH_PIXELS)).astype(int))
        observations = Observations.of(None, [sample], fault)
        expected = _without_ramp(slip_operator(patch_groups, observations) @ model, observations)
        seen = _without_ramp(sample.los, observations)
        correlation = _correlation(expected, seen)
        turned = correlation < -CLEAR
        checks.append(SignCheck(scene.name, correlation, turned, "GNSS", _reason(correlation, turned)))
        if turned:
            quality_log.add("sign_turned", scene.name, checks[-1].reason, len(scene))
        unit = _unit_of(seen, expected, correlation)
        if unit != 1.0:
            detail = f"displacements are {1 / unit:g} times the prediction from GNSS: another unit assumed, and scaled"
            quality_log.add("assumed", scene.name, detail, len(scene))
        checked.append(replace(scene, los=(-unit if turned else unit) * scene.los, sd=unit * scene.sd))
    return checked, checks


def _unit_of(seen: FloatArray, expected: FloatArray, correlation: float) -> float:
    """Return the factor that corrects another unit of a scene of clear shape: a power of ten, or 1."""
    if abs(correlation) < SAME_SHAPE or not expected.std():
        return 1.0
    power = float(np.log10(seen.std() / expected.std()))
    nearest = round(power)
    is_unit = 1 <= abs(nearest) <= 3 and abs(power - nearest) < NEAR_POWER
    return 10.0**-nearest if is_unit else 1.0


def _slip_from_gnss(gnss: Gnss, patch_groups: PatchGroups) -> FloatArray:
    observations = Observations.of(gnss, [], patch_groups.fault)
    operator = slip_operator(patch_groups, observations)
    noise = Noise(np.hypot(observations.sd, FIRST_GNSS_SD_M), observations.kind)
    problem = LinearProblem(operator, observations.values, noise, np.arange(len(observations)))
    prior = first_prior(patch_groups)
    return fit_model(problem, prior, prior.settings()[0], scales={GNSS: 1.0}).model


def _without_ramp(values: FloatArray, observations: Observations) -> FloatArray:
    columns = ramps(observations)
    return np.asarray(values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0])


def _correlation(one: FloatArray, other: FloatArray) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _reason(correlation: float, turned: bool) -> str:
    evidence = f"correlation with the prediction from GNSS: {correlation:+.2f}"
    if turned:
        return f"The sign is wrong ({evidence}): reversed, so that positive is towards the satellite."
    if correlation > CLEAR:
        return f"The sign agrees with GNSS ({evidence})."
    return f"The sign cannot be checked with GNSS ({evidence}): kept."
