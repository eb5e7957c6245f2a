"""Result files of a tomography: NetCDF model, summary, held-out arrivals and verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from selfseis.io.atomic import replacing, write_json
from selfseis.tomography.estimator import TravelTimeTomography

MAX_SHOWN = 1500  # events and stations in the summary, which the page draws
FILES = ("model.nc", "summary.json", "heldout.csv", "verdict.json")


def write_tomography(found: TravelTimeTomography, folder: str | Path) -> list[Path]:
    """Write the results of a tomography, each file atomically.

    Parameters
    ----------
    found : TravelTimeTomography
        After `TravelTimeTomography.fit`.
    folder : str or Path
        Created if it does not exist.

    Returns
    -------
    list of Path
        ``model.nc``, ``summary.json``, ``heldout.csv`` and ``verdict.json``.
    """
    folder = Path(folder)
    packed = {name: {"zlib": True} for name in found.model_.data_vars if found.model_[name].ndim == 3}
    with replacing(folder / "model.nc") as temporary:
        found.model_.to_netcdf(temporary, engine="h5netcdf", encoding=packed)
    arrivals = found.traced_.arrivals
    shown = {
        "stations": _places(arrivals.drop_duplicates("station"), "station"),
        "events": _places(arrivals.drop_duplicates("event_id"), "event"),
    }
    write_json(folder / "summary.json", found.summary_ | {"shown": shown})
    tables = [one.to_frame(arrivals) for one in found.validations_]
    with replacing(folder / "heldout.csv") as temporary:
        pd.concat(tables).to_csv(temporary, index=False)
    write_json(folder / "verdict.json", [one.verdict.to_dict() for one in found.validations_])
    return [folder / name for name in FILES]


def _places(rows: pd.DataFrame, kind: str) -> list[list[float]]:
    """Return longitudes and latitudes (and depths of events in km) of at most `MAX_SHOWN` rows, evenly chosen."""
    chosen = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, MAX_SHOWN).round().astype(int))]
    columns = [f"{kind}_longitude", f"{kind}_latitude"] + (["event_depth_km"] if kind == "event" else [])
    return [[round(float(value), 4) for value in row] for row in chosen[columns].to_numpy()]
