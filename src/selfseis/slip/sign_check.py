"""Does a scene count displacement towards the satellite as positive? GNSS and the other scenes know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from selfseis.invert import GaussianPrior, LaplacianPrior, LinearProblem, Noise, fit_model
from selfseis.recording import Accounting
from selfseis.slip.assembling import FIRST_ROUGHNESS_M, GNSS, Observations, ramps, slip_operator
from selfseis.slip.fault import Fault
from selfseis.slip.gnss import Gnss
from selfseis.slip.insar import Insar

CLEAR = 0.3
ENOUGH_PIXELS = 150
FIRST_GNSS_SD_M = 0.01


@dataclass(frozen=True)
class SignCheck:
    """What the rest of the data says of the sign of one scene.

    Attributes
    ----------
    scene : str
    correlation : float
        Of the scene with what GNSS (or, without it, the other scenes) lead one to expect at its pixels.
    turned : bool
        Whether the sign was turned.
    witness : str
        What was asked.
    reason : str
        In a sentence.
    """

    scene: str
    correlation: float
    turned: bool
    witness: str
    reason: str


def check_signs(
    gnss: Gnss | None, scenes: Sequence[Insar], fault: Fault, accounting: Accounting
) -> tuple[list[Insar], list[SignCheck]]:
    """Compare each scene with the displacement that the GNSS sites lead one to expect, and turn what is reversed.

    The expectation is that of a smooth slip model of the GNSS data alone; a ramp is taken out first. A scene is turned
    where the correlation is clearly negative. Without GNSS nothing is turned.

    Parameters
    ----------
    gnss : Gnss or None
    scenes : sequence of Insar
    fault : Fault
    accounting : Accounting
        Told of every scene that was turned.

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
                "No GNSS to compare with: the sign is taken as given.",
            )
            for scene in scenes
        ]
    checked, checks = [], []
    model = _slip_from_gnss(gnss, fault)
    for scene in scenes:
        sample = scene.take(np.linspace(0, len(scene) - 1, min(len(scene), ENOUGH_PIXELS)).astype(int))
        observations = Observations.of(None, [sample], fault)
        expected = slip_operator(fault, observations) @ model
        correlation = _correlation(
            _without_ramp(expected, observations), _without_ramp(sample.los, observations)
        )
        turned = correlation < -CLEAR
        checks.append(SignCheck(scene.name, correlation, turned, "GNSS", _reason(correlation, turned)))
        if turned:
            accounting.note("sign_turned", scene.name, checks[-1].reason, len(scene))
        checked.append(replace(scene, los=-scene.los) if turned else scene)
    return checked, checks


def _slip_from_gnss(gnss: Gnss, fault: Fault) -> NDArray[np.float64]:
    observations = Observations.of(gnss, [], fault)
    operator = slip_operator(fault, observations)
    noise = Noise(np.hypot(observations.sd, FIRST_GNSS_SD_M), observations.kind)
    problem = LinearProblem(operator, observations.values, noise, np.arange(len(observations)))
    n_fields = operator.shape[1] // len(fault)
    prior: GaussianPrior = LaplacianPrior(
        fault.graph, [FIRST_ROUGHNESS_M], n_fields=n_fields, nonnegative=True
    )
    return fit_model(problem, prior, prior.settings()[0], scales={GNSS: 1.0}).model


def _without_ramp(values: NDArray[np.float64], observations: Observations) -> NDArray[np.float64]:
    columns = ramps(observations)
    return np.asarray(values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0])


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _reason(correlation: float, turned: bool) -> str:
    said = f"correlation with what GNSS expects there: {correlation:+.2f}"
    if turned:
        return f"The sign is the wrong way round ({said}): turned, so that positive is towards the satellite."
    if correlation > CLEAR:
        return f"The sign agrees with GNSS ({said})."
    return f"GNSS cannot tell the sign ({said}): taken as given."
