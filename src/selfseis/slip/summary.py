"""The numbers of an inversion that fit on a page: ``summary.json``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from selfseis.slip.fault import mean_angle
from selfseis.slip.inversion import SlipInversion
from selfseis.slip.moment import LEVEL, RIGIDITY_ERROR

GROUPS = {"all": None, "gnss": "gnss", "insar": "insar"}


def summary_of(inversion: SlipInversion) -> dict[str, Any]:
    """Return the summary of an inversion as plain JSON types; what is not finite is null.

    Parameters
    ----------
    inversion : SlipInversion
        After `SlipInversion.fit`.
    """
    return dict(_plain(_magnitude(inversion) | _slip(inversion) | _noise(inversion) | _hidden(inversion)))


def _magnitude(inversion: SlipInversion) -> dict[str, Any]:
    magnitude = inversion.magnitude_
    return {
        "Mw": magnitude.value,
        "Mw_low": magnitude.low,
        "Mw_high": magnitude.high,
        "Mw_level": LEVEL,
        "moment_nm": magnitude.moment_nm,
        "rigidity_gpa": [inversion.rigidity_.min() / 1e9, inversion.rigidity_.max() / 1e9],
        "rigidity_error": RIGIDITY_ERROR,
        "moment_by_depth": inversion.moment_by_depth_,
    }


def _slip(inversion: SlipInversion) -> dict[str, Any]:
    fault, slip, oracle = inversion.prepared_.fault, inversion.slip_, inversion.oracle_
    return {
        "max_slip_m": slip.amount.max(),
        "mean_rake": mean_angle(slip.rake, slip.amount * fault.area_km2 + 1e-12),
        "n_patches": len(fault),
        "n_parcels": len(inversion.prepared_.parcels),
        "prior": inversion.prior_.name,
        "setting": inversion.setting_,
        "mean_resolution": inversion.resolution_.mean(),
        "oracle": None
        if oracle is None
        else {"correlation": oracle.mean, "sd": oracle.sd, "coverage_68": oracle.coverages.mean()},
    }


def _noise(inversion: SlipInversion) -> dict[str, Any]:
    kinds = inversion.problem_.noise.kinds
    kind = inversion.prepared_.observations.kind
    ramps = inversion.fitted_.nuisance.reshape(-1, 3)
    scenes = inversion.prepared_.observations.scenes
    return {
        "n_data": {name: int((kind == name).sum()) for name in kinds},
        "noise_model": "Gaussian" if inversion.final_problem_.noise.student_dof is None else "Student's t",
        "noise_scales": inversion.fitted_.scales,
        "insar_noise": {name: vars(found) for name, found in inversion.variograms_.items()},
        "ramps_m": {
            scene: dict(zip(("offset", "east", "north"), ramp, strict=True))
            for scene, ramp in zip(scenes, ramps, strict=True)
        },
        "sign_checks": [vars(check) for check in inversion.prepared_.sign_checks],
    }


def _hidden(inversion: SlipInversion) -> dict[str, Any]:
    heldout = inversion.chosen_
    present = {name: prefix for name, prefix in GROUPS.items() if heldout.rows(prefix).any()}
    return {
        "hidden": {
            name: {
                "variance_reduction": heldout.variance_reduction(prefix),
                "rms_m": heldout.rms(prefix),
                "standardised_rms": heldout.standardised_rms(prefix),
                "coverage_68": heldout.coverage(kind=prefix),
                "n": int(heldout.rows(prefix).sum()),
            }
            for name, prefix in present.items()
        },
        "hidden_types": {
            "said": inversion.types_said_,
            "types": [
                {
                    "kind": one.kind,
                    "predicted_from": one.witnesses,
                    "predictable": one.outcome,
                    "variance_reduction": one.skill.to_dict(),
                    "uniform_slip": one.uniform,
                    "rms_m": one.rms_m,
                    "n": one.n,
                }
                for one in inversion.types_
            ],
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
