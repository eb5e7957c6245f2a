"""Draw the figures of docs/slip.md: ``python docs/slip_figures.py [RESULTS_OF_ILLAPEL]``.

The first is simulated, so that the truth is known; the second shows a results folder of ``selfseis slip``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from selfseis import SlipInversion
from selfseis.slip import Gnss, Insar, asperities, read_fault, simulate_displacements

IMAGES = Path(__file__).parent / "images"
FAULT = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [30.0, 40.0]},
    "properties": {
        "strike": 10, "dip": 20, "length_km": 120, "width_km": 80, "top_depth_km": 3, "rake_min": 60, "rake_max": 120,
    },
}  # fmt: skip
WIDTH, HEIGHT = 10.5, 4.2


def main() -> None:
    """Draw all figures that the arguments allow."""
    IMAGES.mkdir(exist_ok=True)
    known_slip().savefig(IMAGES / "slip_known.png", dpi=90)
    if len(sys.argv) > 1:
        published(Path(sys.argv[1])).savefig(IMAGES / "slip_illapel.png", dpi=90)


def known_slip() -> plt.Figure:
    """Truth, what was found of it, its standard deviation, and resolution, with sites on one side only."""
    rng = np.random.default_rng(3)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fault.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [FAULT]}))
        fault, _ = read_fault(path, patch_km=8.0)
    places = rng.uniform([30.35, 39.4], [31.2, 40.6], (25, 2))
    sites = Gnss([f"S{n:02d}" for n in range(25)], *places.T, np.zeros((25, 3)), np.full((25, 3), 0.004))
    pixels = np.stack(np.meshgrid(np.linspace(30.4, 31.3, 16), np.linspace(39.3, 40.7, 20)), -1).reshape(
        -1, 2
    )
    look = np.tile([0.6, -0.15, 0.786], (len(pixels), 1))
    scene = Insar("ascending", *pixels.T, np.zeros(len(pixels)), look, np.full(len(pixels), np.nan))
    truth = asperities(fault, rng, n=2, peak_m=4.0, radius=0.14)
    seen, scenes = simulate_displacements(fault, truth, np.full(len(fault), 90.0), sites, [scene], rng)
    found = SlipInversion(priors=("laplacian", "positive-gp"), n_folds=5, n_inner=3, n_oracle=0)
    found.fit(seen, scenes, fault)
    outlines = [corner[:, :2] for corner in fault.corners]
    figure, axes = plt.subplots(1, 4, figsize=(WIDTH, 1.05 * HEIGHT), layout="constrained", sharey=True)
    top = float(max(truth.max(), found.slip_.amount.max()))
    correlation = np.corrcoef(truth, found.slip_.amount)[0, 1]
    panels = (
        (truth, "true slip", "slip (m)", top),
        (found.slip_.amount, f"estimate (correlation {correlation:.2f})", "slip (m)", top),
        (found.slip_sd_, "uncertainty", "standard deviation (m)", None),
        (found.resolution_, "data (1) or prior (0)", "resolution", 1.0),
    )
    for axis, (values, title, label, limit) in zip(axes, panels, strict=True):
        _draw(figure, axis, outlines, values, title, label, limit)
        axis.plot(*places.T, "^", color="k", markersize=3)
    axes[0].set_ylabel("latitude (°)")
    return figure


def published(folder: Path) -> plt.Figure:
    """Slip, standard deviation, resolution, and held-out GNSS, of a results folder."""
    with xr.open_dataset(folder / "slip.nc", engine="h5netcdf") as opened:
        stored = opened.load()
    outlines = list(np.stack([stored["corner_longitude"].values, stored["corner_latitude"].values], axis=-1))
    figure, axes = plt.subplots(1, 4, figsize=(WIDTH, HEIGHT), layout="constrained")
    panels = (("slip", "slip", "slip (m)", None), ("slip_sd", "uncertainty", "standard deviation (m)", None),
              ("resolution", "data (1) or prior (0)", "resolution", 1.0))  # fmt: skip
    for axis, (name, title, label, limit) in zip(axes, panels, strict=False):
        _draw(figure, axis, outlines, stored[name].values, title, label, limit)
    axes[0].set_ylabel("latitude (°)")
    rows = stored["datum_kind"].values.astype(str) == "gnss"
    observed, predicted, sd = (
        stored[name].values[rows] for name in ("observed", "held_out_prediction", "held_out_sd")
    )
    axes[3].errorbar(observed, predicted, sd, fmt="o", color="#0072b2", ecolor="#a9c9df", markersize=4)
    ends = [min(observed.min(), predicted.min()), max(observed.max(), predicted.max())]
    axes[3].plot(ends, ends, color="#5b6168", linewidth=1)
    axes[3].set(xlabel="observed (m)", ylabel="predicted while held out (m)")
    axes[3].set_title("GNSS of held-out blocks", fontsize=10)
    return figure


def _draw(
    figure: plt.Figure,
    axis: Axes,
    outlines: list,
    values: np.ndarray,
    title: str,
    label: str,
    limit: float | None,
) -> None:
    patches = PolyCollection(outlines, array=values, cmap="viridis_r", edgecolor="white", linewidth=0.3)
    patches.set_clim(0, limit if limit is not None else float(values.max()))
    axis.add_collection(patches)
    axis.autoscale()
    axis.set_aspect(1 / np.cos(np.radians(np.mean(axis.get_ylim()))))
    axis.set_xlabel("longitude (°)")
    axis.set_title(title, fontsize=10)
    figure.colorbar(patches, ax=axis, orientation="horizontal", label=label, shrink=0.9, pad=0.02)


if __name__ == "__main__":
    main()
