"""Sources and stations as bulletins have them, as many as are asked for, and a published model as the truth.

The bulletins at hand hold 44 events and 2,300 arrivals. More are made from them: hypocentres are drawn again from
the real ones and moved along (3 degrees, 15 km), stations are drawn from those that reported in the bulletins and
from the ISC's list, each as often as its kind reports, and kept with the distances that P arrivals of the bulletins
have.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.sphere import angles_between, coordinates, unit_vectors
from selfseis.geo.station_files import StationList
from selfseis.tomography.read import read_arrivals
from selfseis.tomography.sensitivity import table_points
from selfseis.traveltimes.first_arrivals import find_rays
from selfseis.traveltimes.ray_paths import Geometry, PathTable
from selfseis.traveltimes.ray_table import RayTable

MOVED_DEG, MOVED_KM = 3.0, 15.0
SHARE_OF_LISTED = (
    0.5  # of the stations of an event, those that come from the list rather than from the bulletins
)
N_LISTED = 1500
FARTHEST_DEG = 95.0


def real_arrivals(folder: Path) -> pd.DataFrame:
    """Return the usable P arrivals of all three bulletin samples."""
    isc = folder / "tomography" / "isc"
    parts = [
        read_arrivals(isc / "test_ISC.csv").arrivals,
        read_arrivals(isc / "test_EHB.csv", isc / "ehb.stn").arrivals,
        read_arrivals(isc / "Arrivals_ISC_2016-03_2016-04").arrivals,
    ]
    every = pd.concat(parts, ignore_index=True)
    return every[every["phase"].isin(["P", "Pn"])].reset_index(drop=True)


def bulletin_of(n_rays: int, folder: Path, seed: int = 0) -> pd.DataFrame:
    """Return arrivals (without times) on the geometry of the bulletins, enlarged as the module says."""
    rng = np.random.default_rng(seed)
    real = real_arrivals(folder)
    events = real.drop_duplicates("event_id")
    stations = _stations(real, folder, rng)
    distances = np.degrees(
        angles_between(
            unit_vectors(real["event_latitude"], real["event_longitude"]),
            unit_vectors(real["station_latitude"], real["station_longitude"]),
        )
    )
    edges = np.arange(0, FARTHEST_DEG + 5, 5.0)
    wanted = np.histogram(distances, edges)[0] + 1.0
    per_event = real.groupby("event_id").size().to_numpy()
    parts, total, number = [], 0, 0
    place = unit_vectors(stations["latitude"], stations["longitude"])
    while total < n_rays:
        event = events.iloc[rng.integers(len(events))]
        where = unit_vectors([event["event_latitude"]], [event["event_longitude"]])
        where = where + np.radians(MOVED_DEG) * rng.standard_normal((1, 3))
        where /= np.linalg.norm(where)
        away = np.degrees(angles_between(np.repeat(where, len(place), axis=0), place))
        bin_of = np.digitize(away, edges) - 1
        there = np.bincount(bin_of.clip(0, len(wanted) - 1), minlength=len(wanted)).clip(min=1)
        probability = np.where(bin_of < len(wanted), (wanted / there)[bin_of.clip(0, len(wanted) - 1)], 0.0)
        probability = probability * stations["weight"].to_numpy()
        count = min(int(rng.choice(per_event)) + 4, 300, n_rays - total, int((probability > 0).sum()))
        chosen = rng.choice(len(stations), count, replace=False, p=probability / probability.sum())
        latitude, longitude = coordinates(where)
        parts.append(
            pd.DataFrame(
                {
                    "event_id": f"e{number:05d}",
                    "event_time": pd.Timestamp("2000-01-01"),
                    "event_latitude": latitude[0],
                    "event_longitude": longitude[0],
                    "event_depth_km": float(
                        np.clip(event["event_depth_km"] + MOVED_KM * rng.standard_normal(), 5, 680)
                    ),
                    "station": stations["station"].to_numpy()[chosen],
                    "phase": "P",
                    "travel_time_s": 1.0,
                    "sigma_s": 1.0,
                    "station_latitude": stations["latitude"].to_numpy()[chosen],
                    "station_longitude": stations["longitude"].to_numpy()[chosen],
                    "station_elevation_m": 0.0,
                }
            )
        )
        total, number = total + count, number + 1
    return pd.concat(parts, ignore_index=True)


def _stations(real: pd.DataFrame, folder: Path, rng: np.random.Generator) -> pd.DataFrame:
    """Stations of the bulletins, as often as they report, and some of the ISC's list."""
    seen = real.groupby("station").agg(
        latitude=("station_latitude", "first"),
        longitude=("station_longitude", "first"),
        weight=("station", "size"),
    )
    listed = StationList.from_file(folder / "tomography" / "isc" / "iscehb.stn").epochs
    picked = rng.choice(len(listed), N_LISTED, replace=False)
    more = pd.DataFrame(
        {
            "station": [f"{listed[i].code}*" for i in picked],
            "latitude": [listed[i].latitude for i in picked],
            "longitude": [listed[i].longitude for i in picked],
        }
    ).drop_duplicates("station")
    share = SHARE_OF_LISTED / (1 - SHARE_OF_LISTED) * seen["weight"].sum() / len(more)
    return pd.concat([seen.reset_index(), more.assign(weight=share)], ignore_index=True)


def smooth_truth(path: Path, latitude: NDArray, longitude: NDArray, depth_km: NDArray) -> NDArray[np.float64]:
    """Velocity perturbation (%) of a published model at points, linear between its nodes."""
    import xarray as xr
    from scipy.interpolate import RegularGridInterpolator

    with xr.open_dataset(path) as stored:
        values = stored["v"].transpose("depth", "latitude", "longitude").values.astype(float)
        axes = [stored[name].values.astype(float) for name in ("depth", "latitude", "longitude")]
    # Longitudes close.
    east = np.concatenate([axes[2][-1:] - 360, axes[2], axes[2][:1] + 360])
    values = np.concatenate([values[..., -1:], values, values[..., :1]], axis=2)
    look_up = RegularGridInterpolator((axes[0], axes[1], east), values)
    inside = [np.clip(depth_km, axes[0][0], axes[0][-1]), np.clip(latitude, axes[1][0], axes[1][-1])]
    return np.asarray(look_up(np.stack([*inside, longitude], axis=-1)))


def times_through(
    model: Path, arrivals: pd.DataFrame, reference: VelocityModel1D, step_s: float = 2.0
) -> NDArray:
    """Delays (s) that a published model causes along the rays of the reference, integrated without any grid."""
    geometry = Geometry.of(arrivals)
    table = RayTable.of(reference, "P")
    rays = find_rays(table, geometry.depth_km, geometry.distance, arrivals["phase"].to_numpy(str))
    delay = np.zeros(len(arrivals))
    for points in table_points(PathTable(table), rays, geometry, step_s):
        slow = -0.01 * smooth_truth(model, points.latitude, points.longitude, points.depth_km)
        delay += np.bincount(points.row, slow * points.seconds, len(arrivals))
    return delay
