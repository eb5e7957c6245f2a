"""Small inversions with a known truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfseis.inversion import Graph, LinearProblem, MaternPrior, Noise

SHAPE, SPACING = (12, 8), (10.0, 10.0)
SETTING = {"sd": 1.0, "range": 50.0}


def grid() -> Graph:
    return Graph.of_grid(SHAPE, SPACING)


def matern(**options: object) -> MaternPrior:
    return MaternPrior(grid(), 2, (0.3, 1.0, 3.0), (25.0, 50.0, 100.0), **options)  # type: ignore[arg-type]


def blurred_view(
    n_data: int = 150, sd: float = 0.3, *, seed: int = 0, two_kinds: bool = True
) -> LinearProblem:
    """Return averages of the model about random places, with an unknown offset of each kind."""
    rng = np.random.default_rng(seed)
    cells = np.stack(
        np.meshgrid(*(s * np.arange(n) for n, s in zip(SHAPE, SPACING, strict=True)), indexing="ij"), -1
    )
    places = rng.uniform([0, 0], [110, 70], (n_data, 2))
    distance = np.linalg.norm(places[:, None] - cells.reshape(-1, 2), axis=2)
    operator = np.exp(-((distance / 12) ** 2) / 2)
    operator /= operator.sum(axis=1, keepdims=True)
    kind = np.where(rng.random(n_data) < 0.5, "near", "far") if two_kinds else np.full(n_data, "near")
    columns = np.stack([kind == "near", kind == "far"], axis=1).astype(float)
    blocks = (places[:, 0] // 15).astype(int) + 10 * (places[:, 1] // 25).astype(int)
    return LinearProblem(
        operator, np.zeros(n_data), Noise(np.full(n_data, sd), kind), blocks, columns, np.full(2, 0.5)
    )


def simulated(problem: LinearProblem, *, seed: int = 0) -> tuple[LinearProblem, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    truth = matern().draw(SETTING, rng)
    return problem.simulate(truth, rng), truth
