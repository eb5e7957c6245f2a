"""A small thrust earthquake whose slip is known, as objects and as files of providers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from selfseis.slip import Fault, Gnss, Insar, asperities, read_fault, simulate_displacements

LONGITUDE, LATITUDE = 30.0, 40.0
PROPERTIES = {
    "strike": 20.0, "dip": 25.0, "length_km": 80.0, "width_km": 40.0, "top_depth_km": 3.0, "rake_min": 60.0,
    "rake_max": 120.0,
}  # fmt: skip


def feature(geometry: dict[str, Any] | None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def write_geojson(path: Path, *features: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def fault_file(folder: Path) -> Path:
    point = {"type": "Point", "coordinates": [LONGITUDE, LATITUDE]}
    return write_geojson(folder / "fault.geojson", feature(point, **PROPERTIES))


def thrust(folder: Path) -> Fault:
    return read_fault(fault_file(folder), patch_km=10.0)[0]


def geometry(seed: int = 0) -> tuple[Gnss, Insar]:
    rng = np.random.default_rng(seed)
    places = rng.uniform([29.6, 39.5], [30.9, 40.5], (18, 2))
    sites = Gnss(
        [f"S{n:02d}" for n in range(18)],
        *places.T,
        np.zeros((18, 3)),
        np.tile([0.003, 0.003, 0.008], (18, 1)),
    )
    pixels = np.stack(np.meshgrid(np.linspace(29.5, 31, 12), np.linspace(39.4, 40.6, 12)), -1).reshape(-1, 2)
    look = np.tile([0.6, -0.15, np.sqrt(1 - 0.6**2 - 0.15**2)], (144, 1))
    return sites, Insar("scene", *pixels.T, np.zeros(144), look, np.full(144, np.nan))


def earthquake(folder: Path, seed: int = 0) -> tuple[Fault, np.ndarray, Gnss, Insar]:
    fault = thrust(folder)
    rng = np.random.default_rng(seed)
    slip = asperities(fault, rng, n=1, peak_m=3.0, radius=0.2)
    gnss, scenes = simulate_displacements(
        fault, slip, np.full(len(fault), 90.0), *_listed(geometry(seed)), rng
    )
    assert gnss is not None
    return fault, slip, gnss, scenes[0]


def _listed(pair: tuple[Gnss, Insar]) -> tuple[Gnss, list[Insar]]:
    return pair[0], [pair[1]]


def gnss_csv(path: Path, gnss: Gnss, *, unit: float = 1.0, swap: bool = False) -> Path:
    lines = ["site,lon,lat,e,n,u,se,sn,su"]
    for row, site in enumerate(gnss.site):
        place = [gnss.longitude[row], gnss.latitude[row]][:: -1 if swap else 1]
        values = [*place, *(unit * gnss.displacement[row]), *(unit * gnss.sd[row])]
        lines.append(",".join([site, *(f"{value:.6f}" for value in values)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def usgs_json(path: Path, gnss: Gnss) -> Path:
    entries = [
        {
            "name": site,
            "location": [gnss.latitude[row], gnss.longitude[row]],
            "component": ["Z,N,E"],
            "observed": [str(100 * value) for value in gnss.displacement[row, ::-1]],
            "data_error": list(100 * gnss.sd[row, ::-1]),
            "trace_weight": ["0.5", "1.0", "1.0"],
        }
        for row, site in enumerate(gnss.site)
    ]
    path.write_text(json.dumps(entries))
    return path


def insar_csv(path: Path, scene: Insar, *, sign: float = 1.0) -> Path:
    lines = ["lon,lat,los,look_e,look_n,look_u,sigma"]
    columns = (scene.longitude, scene.latitude, sign * scene.los, *scene.look.T)
    lines += [",".join(f"{value:.6f}" for value in row) + ",0.01" for row in zip(*columns, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path
