"""The linear problem of traced arrivals: structure, event and station terms, noise, and blocks."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import sparse

from selfseis.geo.sphere import unit_vectors
from selfseis.inversion import LinearProblem, Noise
from selfseis.inversion.term_fit import TermProblem
from selfseis.tomography.forward import Traced
from selfseis.tomography.sensitivity import event_terms, numbered, station_terms
from selfseis.typing import IntArray

BlockKind = Literal["event", "station", "region"]
STUDENT_DOF = 4.0
N_REGIONS = 24
TERM_SIZES = {True: (2.0, 15.0, 15.0, 20.0, 0.5), False: (0.5, 3.0, 3.0, 4.0, 0.15)}
"""Prior standard deviations, global and regional: origin time (s), east, north, down (km), station (s)."""
S_STATION = 1.7


def term_problem(traced: Traced, held_out: BlockKind, *, is_global: bool, seed: int = 0) -> TermProblem:
    """Build the problem of traced arrivals.

    Parameters
    ----------
    traced : Traced
    held_out : {"event", "station", "region"}
        Kind of the blocks that are held out together.
    is_global : bool
        Selects the prior sizes of the terms: hypocentres of a global bulletin are less certain than those of a network.
    seed : int
        Seed of the regions.
    """
    frame = traced.arrivals
    event, events = numbered(frame["event_id"])
    # A station delays P and S differently.
    wave = np.where(traced.is_s, "S", "P")
    station, stations = numbered(frame["station"] + "/" + wave)
    time, east, north, down, delay = TERM_SIZES[is_global]
    sizes = np.concatenate(
        [
            np.tile([time, east, north, down], len(events)),
            np.where(np.char.endswith(stations.astype(str), "/S"), S_STATION * delay, delay),
        ]
    )
    terms = sparse.hstack(
        [event_terms(event, traced.slowness, traced.azimuth), station_terms(station, len(stations))],
        format="csr",
    )
    noise = Noise(frame["sigma_s"].to_numpy(float), wave.astype(str), student_dof=STUDENT_DOF)
    problem = LinearProblem(
        traced.operator,
        traced.residual,
        noise,
        blocks_of(traced, held_out, seed),
        sparse.csr_array(terms),
        sizes,
    )
    return TermProblem(problem, np.arange(len(sizes)) >= 4 * len(events))


def blocks_of(traced: Traced, held_out: BlockKind, seed: int = 0) -> IntArray:
    """Return the number of the event, station or source region of each arrival.

    Regions are clusters of epicentres (k-means), so that only rays from elsewhere sample a held-out region.
    """
    frame = traced.arrivals
    if held_out == "event":
        return numbered(frame["event_id"])[0]
    if held_out == "station":
        return numbered(frame["station"])[0]
    from sklearn.cluster import KMeans

    event, events = numbered(frame["event_id"])
    first = np.unique(event, return_index=True)[1]
    points = unit_vectors(frame["event_latitude"], frame["event_longitude"])[first]
    n_regions = int(np.clip(len(events) // 4, 2, N_REGIONS))
    return KMeans(n_regions, n_init=3, random_state=seed).fit(points).labels_.astype(np.int64)[event]
