"""Draw the figure of tomography.md: ``python -m docs.tomography_figures`` (needs the real bulletins and HMSL-P06)."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from benchmarks.fibre_noise import data_folder
from benchmarks.tomography_synthetic import priors_of, synthetic_mantle

from selfseis.inversion.term_fit import solve_terms
from selfseis.tomography.image import regular_map

SETTING = {
    "terms": 1.0,
    "sd": 0.4,
    "range": 1700.0,
    "flatness": 0.25,
    "top": 4.0,
}  # as held-out events chose it
LAYERS = (1, 6, 11)
N_RAYS, N_SAMPLES = 9000, 16


def main() -> None:
    """Draw truth, image and standard deviation at three depths."""
    synthetic = synthetic_mantle(N_RAYS, data_folder())
    prior = priors_of(synthetic.grid)[0]
    everything = np.ones(synthetic.terms.problem.n_data, bool)
    fit = solve_terms(synthetic.terms, prior, SETTING, everything, reweightings=3, n_samples=N_SAMPLES)
    n, grid = synthetic.grid.n_cells, synthetic.grid
    image = fit.draws.mode[:n]
    sd = np.sqrt(np.mean((fit.draws.samples[:, :n] - image) ** 2, axis=0))
    lookup, latitude, longitude = regular_map(grid)
    figure, rows = plt.subplots(
        len(LAYERS), 3, figsize=(10.5, 6.2), sharex=True, sharey=True, layout="constrained"
    )
    for row, layer in zip(rows, LAYERS, strict=True):
        part = slice(layer * grid.n_in_layer, (layer + 1) * grid.n_in_layer)
        hit = synthetic.hit[part][lookup]
        reach = float(np.quantile(np.abs(synthetic.truth[part]), 0.98))
        top, bottom = grid.depth_edges[layer : layer + 2]
        for axes, values, title in zip(
            row,
            (synthetic.truth, image, sd),
            ("truth (HMSL-P06)", "image", "standard deviation"),
            strict=True,
        ):
            shown = np.where(hit | (values is synthetic.truth), values[part][lookup], np.nan)
            is_sd = values is sd
            colours, low = ("viridis_r", 0.0) if is_sd else ("RdBu", -reach)
            drawn = axes.pcolormesh(longitude, latitude, shown, cmap=colours, vmin=low, vmax=reach)
            axes.set_facecolor("0.9")
            axes.set_title(f"{title}, {top:.0f} to {bottom:.0f} km", fontsize=9)
            figure.colorbar(drawn, ax=axes, label="%", shrink=0.85)
        row[0].set_ylabel("latitude (°)")
    for axes in rows[-1]:
        axes.set_xlabel("longitude (°)")
    figure.savefig(Path(__file__).parent / "images" / "tomography_mantle.png", dpi=90)


if __name__ == "__main__":
    main()
