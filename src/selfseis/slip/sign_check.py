"""Check of the sign and unit of InSAR scenes against GNSS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfseis.inversion import LinearProblem, Noise, fit_model
from selfseis.quality_log import QualityLog
from selfseis.slip.gnss import Gnss
from selfseis.slip.insar import Insar
from selfseis.slip.options import SignCheckOptions, SlipOptions
from selfseis.slip.patch_groups import PatchGroups
from selfseis.slip.problem import GNSS, Observations, first_prior, ramps, slip_operator, without_ramp
from selfseis.typing import FloatArray


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
    gnss: Gnss | None,
    scenes: Sequence[Insar],
    patch_groups: PatchGroups,
    quality_log: QualityLog,
    options: SlipOptions = SlipOptions(),
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
    options : SlipOptions

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
    checked, checks, limits = [], [], options.sign_check
    model = _slip_from_gnss(gnss, patch_groups, options)
    for scene in scenes:
        expected, seen = _expected_and_seen(scene, model, patch_groups, options)
        correlation = _correlation(expected, seen)
        turned = correlation < -limits.min_correlation
        reason = _reason(correlation, turned, limits)
        checks.append(SignCheck(scene.name, correlation, turned, "GNSS", reason))
        if turned:
            quality_log.add("sign_turned", scene.name, reason, len(scene))
        unit = _unit_of(seen, expected, correlation, limits)
        if unit != 1.0:
            detail = f"displacements are {1 / unit:g} times the prediction from GNSS: another unit assumed, and scaled"
            quality_log.add("assumed", scene.name, detail, len(scene))
        checked.append(replace(scene, los=(-unit if turned else unit) * scene.los, sd=unit * scene.sd))
    return checked, checks


def _expected_and_seen(
    scene: Insar, model: FloatArray, patch_groups: PatchGroups, options: SlipOptions
) -> tuple[FloatArray, FloatArray]:
    """Return the displacements that a slip model predicts at some pixels and those observed, without ramps."""
    n_pixels = min(len(scene), options.sign_check.max_pixels)
    sample = scene.take(np.linspace(0, len(scene) - 1, n_pixels).astype(int))
    scene_sd_m = options.variogram.first_sd_m
    observations = Observations.of(None, [sample], patch_groups.fault, scene_sd_m=scene_sd_m)
    expected = slip_operator(patch_groups, observations, options.greens) @ model
    columns = ramps(observations)
    return without_ramp(expected, columns), without_ramp(sample.los, columns)


def _unit_of(seen: FloatArray, expected: FloatArray, correlation: float, options: SignCheckOptions) -> float:
    """Return the factor that corrects another unit of a scene of clear shape: a power of ten, or 1."""
    if abs(correlation) < options.min_shape_correlation or not expected.std():
        return 1.0
    power = float(np.log10(seen.std() / expected.std()))
    nearest = round(power)
    is_unit = 1 <= abs(nearest) <= 3 and abs(power - nearest) < options.max_power_error
    return 10.0**-nearest if is_unit else 1.0


def _slip_from_gnss(gnss: Gnss, patch_groups: PatchGroups, options: SlipOptions) -> FloatArray:
    scene_sd_m = options.variogram.first_sd_m
    observations = Observations.of(gnss, [], patch_groups.fault, scene_sd_m=scene_sd_m)
    operator = slip_operator(patch_groups, observations, options.greens)
    noise = Noise(np.hypot(observations.sd, options.sign_check.gnss_sd_m), observations.kind)
    blocks = np.arange(len(observations))
    problem = LinearProblem(operator, observations.values, noise, blocks, options=options.inversion)
    prior = first_prior(patch_groups, options)
    return fit_model(problem, prior, prior.settings()[0], scales={GNSS: 1.0}).model


def _correlation(one: FloatArray, other: FloatArray) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _reason(correlation: float, turned: bool, options: SignCheckOptions) -> str:
    evidence = f"correlation with the prediction from GNSS: {correlation:+.2f}"
    if turned:
        return f"The sign is wrong ({evidence}): reversed, so that positive is towards the satellite."
    if correlation > options.min_correlation:
        return f"The sign agrees with GNSS ({evidence})."
    return f"The sign cannot be checked with GNSS ({evidence}): kept."
