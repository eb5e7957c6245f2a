"""Quadtree downsampling of scenes: squares are small where the displacement varies."""

from __future__ import annotations

import heapq

import numpy as np

from selfseis.slip.insar import Insar
from selfseis.slip.options import QuadtreeOptions
from selfseis.typing import FloatArray, IntArray


def downsampled(scene: Insar, options: QuadtreeOptions = QuadtreeOptions()) -> Insar:
    """Return a scene of at most about `max_pixels` of the options; a smaller scene is returned unchanged.

    The square with the largest variance is cut into four until there are enough squares; each is replaced by its mean.

    Parameters
    ----------
    scene : Insar
    options : QuadtreeOptions

    References
    ----------
    Jónsson, S. et al. (2002). Fault slip distribution of the 1999 Mw 7.1 Hector Mine, California, earthquake,
    estimated from satellite radar and GPS measurements. Bull. Seismol. Soc. Am. 92. doi:10.1785/0120000922
    """
    if len(scene) <= options.max_pixels:
        return scene
    squares = _squares(np.stack([scene.longitude, scene.latitude], axis=1), scene.los, options)
    look = np.array([scene.look[rows].mean(axis=0) for rows in squares])
    longitude, latitude, los, sd = (
        np.array([column[rows].mean() for rows in squares])
        for column in (scene.longitude, scene.latitude, scene.los, scene.sd)
    )
    return Insar(scene.name, longitude, latitude, los, look / np.linalg.norm(look, axis=1, keepdims=True), sd)


def _squares(places: FloatArray, values: FloatArray, options: QuadtreeOptions) -> list[IntArray]:
    """Return the pixels of each square."""
    queue = [(0.0, 0, np.arange(len(values)))]
    done: list[IntArray] = []
    counter = 1
    while queue and len(queue) + len(done) < options.max_pixels - 2:
        rows = heapq.heappop(queue)[2]
        middle = (places[rows].min(axis=0) + places[rows].max(axis=0)) / 2
        quarter = (places[rows] > middle) @ np.array([1, 2])
        parts = [rows[quarter == number] for number in range(4)]
        for part in (part for part in parts if part.size):
            if part.size < 2 * options.min_pixels_per_square or part.size == rows.size:
                done.append(part)
            else:
                heapq.heappush(
                    queue, (-float(np.sum((values[part] - values[part].mean()) ** 2)), counter, part)
                )
                counter += 1
    return done + [rows for _, _, rows in queue]
