"""Result files of a slip inversion: GeoJSON, ``.fsp``, NetCDF, a table of held-out data, and a summary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from selfseis.inversion import HeldOut
from selfseis.io.atomic import replacing, write_json
from selfseis.slip.estimator import SlipInversion
from selfseis.slip.fault import mean_angle
from selfseis.slip.write_fsp import fsp_text, sides_km


def write_slip(inversion: SlipInversion, folder: str | Path) -> list[Path]:
    """Write the results of an inversion, each file atomically.

    Parameters
    ----------
    inversion : SlipInversion
        After `SlipInversion.fit`.
    folder : str or Path
        Created if it does not exist.

    Returns
    -------
    list of Path
        ``slip.geojson``, ``slip.fsp``, ``slip.nc``, ``heldout.csv``, ``summary.json`` and ``verdict.json``.
    """
    folder = Path(folder)
    write_json(folder / "slip.geojson", _geojson(inversion))
    with replacing(folder / "slip.fsp") as temporary:
        temporary.write_text(fsp_text(inversion), encoding="utf-8")
    with replacing(folder / "slip.nc") as temporary:
        _dataset(inversion).to_netcdf(temporary, engine="h5netcdf")
    with replacing(folder / "heldout.csv") as temporary:
        _heldout(inversion).to_csv(temporary, index=False, float_format="%.6g")
    write_json(folder / "summary.json", summary_of(inversion))
    write_json(folder / "verdict.json", [inversion.verdict_.to_dict()])
    names = ("slip.geojson", "slip.fsp", "slip.nc", "heldout.csv", "summary.json", "verdict.json")
    return [folder / name for name in names]


def _patch_table(inversion: SlipInversion) -> dict[str, Any]:
    fault = inversion.prepared_.fault
    return {
        "slip_m": inversion.slip_.amount,
        "slip_sd_m": inversion.slip_sd_,
        "rake": inversion.slip_.rake,
        "resolution": inversion.resolution_,
        "strike": fault.strike,
        "dip": fault.dip,
        "depth_km": fault.centres[:, 2],
        "top_depth_km": fault.top_km,
        "area_km2": fault.area_km2,
        "rigidity_pa": inversion.rigidity_,
        "rake_min": fault.rake_min,
        "rake_max": fault.rake_max,
        "segment": fault.segment,
    }


def _geojson(inversion: SlipInversion) -> dict[str, Any]:
    fault, table = inversion.prepared_.fault, _patch_table(inversion)
    features = []
    for patch, corners in enumerate(fault.corners):
        # GeoJSON counts heights in metres above the ellipsoid (RFC 7946).
        ring = [[round(lon, 6), round(lat, 6), round(-1000 * depth, 1)] for lon, lat, depth in corners]
        properties = {"patch": patch} | {name: _rounded(values[patch]) for name, values in table.items()}
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
                "properties": properties
                | {name: _rounded(side) for name, side in sides_km(fault, patch).items()},
            }
        )
    return {"type": "FeatureCollection", "features": features}


def _rounded(value: Any) -> Any:
    number = float(value)
    return int(value) if isinstance(value, np.integer) else float(f"{number:.6g}")


def _dataset(inversion: SlipInversion) -> xr.Dataset:
    """Return patches, draws and data as one dataset."""
    fault, data = inversion.prepared_.fault, inversion.prepared_.observations
    corners = np.full((len(fault), 4, 3), np.nan)
    for patch, corner in enumerate(fault.corners):
        corners[patch, : len(corner)] = corner
    units = {
        "slip_m": "m", "slip_sd_m": "m", "rake": "degree", "resolution": "1", "strike": "degree", "dip": "degree",
        "depth_km": "km", "top_depth_km": "km", "area_km2": "km2", "rigidity_pa": "Pa", "rake_min": "degree",
        "rake_max": "degree", "segment": "1",
    }  # fmt: skip
    variables: dict[str, Any] = {
        name.removesuffix("_m"): ("patch", values, {"units": units[name]})
        for name, values in _patch_table(inversion).items()
    }
    slip_draws = inversion.slip_samples_.amount.astype(np.float32)
    variables["slip_draws"] = (
        ("draw", "patch"),
        slip_draws,
        {"units": "m", "long_name": "draws from the posterior"},
    )
    for name, values in (
        ("longitude", corners[:, :, 0]),
        ("latitude", corners[:, :, 1]),
        ("depth", corners[:, :, 2]),
    ):
        variables[f"corner_{name}"] = (("patch", "corner"), values)
    variables |= {
        "datum_longitude": ("datum", data.longitude, {"units": "degrees_east"}),
        "datum_latitude": ("datum", data.latitude, {"units": "degrees_north"}),
        "datum_kind": ("datum", data.kind.astype(object)),
        "datum_name": ("datum", data.name.astype(object)),
        "direction": (("datum", "component"), data.direction, {"long_name": "east, north, up"}),
        "observed": ("datum", data.values, {"units": "m"}),
        "model": ("datum", inversion.predicted_, {"units": "m", "long_name": "all data, ramps included"}),
        "held_out_prediction": ("datum", inversion.chosen_.predicted, {"units": "m"}),
        "held_out_sd": ("datum", inversion.chosen_.sd, {"units": "m"}),
        "weight": ("datum", inversion.fitted_.weights, {"long_name": "weight under Student's t"}),
        "block": ("datum", inversion.problem_.blocks),
    }
    return xr.Dataset(
        variables,
        attrs={
            "Conventions": "CF-1.11",
            "title": "Slip on a fault",
            "source": "selfseis",
            "Mw": inversion.magnitude_.value,
        },
    )


def _heldout(inversion: SlipInversion) -> pd.DataFrame:
    """Return held-out data, one row per datum and hold-out; ``held_out`` is ``block`` or ``type``."""
    of_blocks = [inversion.chosen_, *inversion.heldouts_, inversion.uniform_, inversion.null_]
    runs = [("block", of_blocks)] + ([("type", inversion.by_type_)] if inversion.by_type_ else [])
    return pd.concat([_held_out_rows(inversion, heldouts, unit) for unit, heldouts in runs])


def _held_out_rows(inversion: SlipInversion, heldouts: Sequence[HeldOut], unit: str) -> pd.DataFrame:
    data, frame = inversion.prepared_.observations, heldouts[0].to_frame()
    rows = frame.index.to_numpy()
    frame.insert(0, "name", data.name[rows])
    frame.insert(2, "lon", data.longitude[rows])
    frame.insert(3, "lat", data.latitude[rows])
    for heldout in heldouts[1:]:
        frame[f"predicted by {heldout.name}"] = heldout.predicted[rows]
    return frame.assign(held_out=unit)


GROUPS = {"all": None, "gnss": "gnss", "insar": "insar"}


def summary_of(inversion: SlipInversion) -> dict[str, Any]:
    """Return the summary of an inversion as plain JSON types; values that are not finite become null.

    Parameters
    ----------
    inversion : SlipInversion
        After `SlipInversion.fit`.
    """
    return dict(_plain(_magnitude(inversion) | _slip(inversion) | _noise(inversion) | _held_out(inversion)))


def _magnitude(inversion: SlipInversion) -> dict[str, Any]:
    magnitude = inversion.magnitude_
    return {
        "Mw": magnitude.value,
        "Mw_low": magnitude.low,
        "Mw_high": magnitude.high,
        "Mw_level": inversion.options.moment.level,
        "moment_nm": magnitude.moment_nm,
        "rigidity_gpa": [inversion.rigidity_.min() / 1e9, inversion.rigidity_.max() / 1e9],
        "rigidity_error": inversion.options.moment.rigidity_error,
        "moment_by_depth": inversion.moment_by_depth_,
    }


def _slip(inversion: SlipInversion) -> dict[str, Any]:
    fault, slip, oracle = inversion.prepared_.fault, inversion.slip_, inversion.oracle_
    return {
        "max_slip_m": slip.amount.max(),
        "mean_rake": mean_angle(slip.rake, slip.amount * fault.area_km2 + 1e-12),
        "n_patches": len(fault),
        "n_patch_groups": len(inversion.prepared_.patch_groups),
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


def _held_out(inversion: SlipInversion) -> dict[str, Any]:
    heldout = inversion.chosen_
    present = {name: prefix for name, prefix in GROUPS.items() if heldout.rows(prefix).any()}
    return {
        "held_out": {
            name: {
                "variance_reduction": heldout.variance_reduction(prefix),
                "rms_m": heldout.rms(prefix),
                "standardised_rms": heldout.standardised_rms(prefix),
                "coverage_68": heldout.coverage(kind=prefix),
                "n": int(heldout.rows(prefix).sum()),
            }
            for name, prefix in present.items()
        },
        "held_out_types": {
            "summary": inversion.types_summary_,
            "types": [
                {
                    "kind": one.kind,
                    "predicted_from": one.predictors,
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
