"""The linear problem of traced arrivals: structure, event and station terms, noise, and blocks."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import sparse

from selfseis.geo.sphere import unit_vectors
from selfseis.inversion import LinearProblem, Noise
from selfseis.inversion.term_fit import TermProblem
from selfseis.tomography.forward import Traced
from selfseis.tomography.options import HeldOutOptions, TermOptions, TomographyOptions
from selfseis.tomography.sensitivity import event_terms, numbered, station_terms
from selfseis.typing import IntArray

BlockKind = Literal["event", "station", "region"]


def term_problem(
    traced: Traced,
    held_out: BlockKind,
    *,
    is_global: bool,
    seed: int = 0,
    options: TomographyOptions = TomographyOptions(),
) -> TermProblem:
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
    options : TomographyOptions
        Prior sizes of the terms, blocks, and how the problem is solved.
    """
    frame = traced.arrivals
    event, events = numbered(frame["event_id"])
    # A station delays P and S differently.
    wave = np.where(traced.is_s, "S", "P")
    station, stations = numbered(frame["station"] + "/" + wave)
    of_event, delay = _term_sizes(options.terms, is_global=is_global)
    is_s = np.char.endswith(stations.astype(str), "/S")
    delays = np.where(is_s, options.terms.s_station_factor * delay, delay)
    sizes = np.concatenate([np.tile(of_event, len(events)), delays])
    terms = sparse.hstack(
        [event_terms(event, traced.slowness, traced.azimuth), station_terms(station, len(stations))],
        format="csr",
    )
    noise = Noise(frame["sigma_s"].to_numpy(float), wave.astype(str), student_dof=options.terms.student_dof)
    problem = LinearProblem(
        traced.operator,
        traced.residual,
        noise,
        blocks_of(traced, held_out, options.held_out, seed),
        sparse.csr_array(terms),
        sizes,
        options=options.inversion,
    )
    return TermProblem(problem, np.arange(len(sizes)) >= 4 * len(events))


def _term_sizes(options: TermOptions, *, is_global: bool) -> tuple[tuple[float, ...], float]:
    """Return the prior standard deviations of origin time and hypocentre, and that of a station delay."""
    if is_global:
        return (options.origin_time_globe_s, *options.hypocentre_globe_km), options.station_globe_s
    return (options.origin_time_region_s, *options.hypocentre_region_km), options.station_region_s


def blocks_of(traced: Traced, held_out: BlockKind, options: HeldOutOptions, seed: int = 0) -> IntArray:
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
    regions = KMeans(max(n_regions(len(events), options), 2), n_init=3, random_state=seed).fit(points)
    return regions.labels_.astype(np.int64)[event]


def n_regions(n_events: int, options: HeldOutOptions) -> int:
    """Return the number of source regions that so many events form."""
    return min(options.max_regions, n_events // options.min_region_events)
