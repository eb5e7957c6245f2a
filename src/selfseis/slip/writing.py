"""Write what was found as the field reads it: GeoJSON, ``.fsp``, NetCDF, a table of the hidden data, a summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from selfseis.invert import HeldOut
from selfseis.recording.atomic import replacing, write_json
from selfseis.slip.fsp_text import fsp_text, sides_km
from selfseis.slip.inversion import SlipInversion
from selfseis.slip.summary import summary_of


def write_slip(inversion: SlipInversion, folder: str | Path) -> list[Path]:
    """Write the results of an inversion, each file whole or not at all.

    Parameters
    ----------
    inversion : SlipInversion
        After `SlipInversion.fit`.
    folder : str or Path
        Made if need be.

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
    """Return everything as one dataset: patches, draws, data."""
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
        "hidden_prediction": ("datum", inversion.chosen_.predicted, {"units": "m"}),
        "hidden_sd": ("datum", inversion.chosen_.sd, {"units": "m"}),
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
    """Return hidden data, one row a datum and hold-out; the last column says what was hidden: a block, or the type."""
    of_blocks = [inversion.chosen_, *inversion.heldouts_, inversion.uniform_, inversion.null_]
    runs = [("block", of_blocks)] + ([("type", inversion.by_type_)] if inversion.by_type_ else [])
    return pd.concat([_hidden_rows(inversion, heldouts, hidden) for hidden, heldouts in runs])


def _hidden_rows(inversion: SlipInversion, heldouts: Sequence[HeldOut], hidden: str) -> pd.DataFrame:
    data, frame = inversion.prepared_.observations, heldouts[0].to_frame()
    rows = frame.index.to_numpy()
    frame.insert(0, "name", data.name[rows])
    frame.insert(2, "lon", data.longitude[rows])
    frame.insert(3, "lat", data.latitude[rows])
    for heldout in heldouts[1:]:
        frame[f"predicted by {heldout.name}"] = heldout.predicted[rows]
    return frame.assign(hidden=hidden)
