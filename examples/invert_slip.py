"""Invert displacements for slip: an earthquake whose slip is known, seen by twenty sites and one interferogram."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from selfseis import SlipInversion
from selfseis.slip import Gnss, Insar, asperities, read_fault, simulate_displacements

FAULT = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [30.0, 40.0]},  # middle of the upper edge
    "properties": {
        "strike": 20, "dip": 25, "length_km": 80, "width_km": 40, "top_depth_km": 3, "rake_min": 60, "rake_max": 120,
    },
}  # fmt: skip

rng = np.random.default_rng(2)
with TemporaryDirectory() as folder:
    (Path(folder) / "fault.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [FAULT]})
    )
    fault, _ = read_fault(Path(folder) / "fault.geojson", patch_km=8.0)

places = rng.uniform([29.6, 39.5], [30.9, 40.5], (20, 2))
sites = Gnss([f"S{n:02d}" for n in range(20)], *places.T, np.zeros((20, 3)), np.full((20, 3), 0.004))
pixels = np.stack(np.meshgrid(np.linspace(29.5, 31, 14), np.linspace(39.4, 40.6, 14)), -1).reshape(-1, 2)
look = np.tile([0.6, -0.15, 0.786], (len(pixels), 1))
scene = Insar("ascending", *pixels.T, np.zeros(len(pixels)), look, np.full(len(pixels), np.nan))

slip = asperities(fault, rng, n=1, peak_m=3.0, radius=0.2)
seen, scenes = simulate_displacements(fault, slip, np.full(len(fault), 95.0), sites, [scene], rng)

inversion = SlipInversion(priors=("laplacian", "positive-gp"), n_folds=5, n_inner=3, n_oracle=0)
inversion.fit(seen, scenes, fault)
print(inversion.verdict_)
print(
    f"magnitude: {inversion.magnitude_.value:.2f} ({inversion.magnitude_.low:.2f} to {inversion.magnitude_.high:.2f})"
)
print(f"correlation with the slip that was put in: {np.corrcoef(inversion.slip_.amount, slip)[0, 1]:.2f}")
