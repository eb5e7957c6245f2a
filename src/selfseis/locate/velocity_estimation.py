"""A velocity model from the picks alone: vp / vs from the Wadati diagram, vp from how well events can be located.

With too low a velocity, or too high a one, no place and time explain the picks of an event. Two shapes are tried, the
same velocity everywhere and a typical crust, each times a factor; the one with the least misfit of the best events is
taken. Depth and velocity trade off against each other: what is found is a model that explains the times, good for
epicentres, not a picture of the ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfseis.catalogue.records import Pick
from selfseis.consensus.wadati import fit_wadati
from selfseis.geo.earth_models import POISSON_VP_VS, VelocityModel1D
from selfseis.geo.stations import StationTable
from selfseis.locate.location import Locator
from selfseis.locate.origin_time_association import associate_by_origin_time
from selfseis.locate.pyocto_association import AssociatedEvent, associate
from selfseis.locate.search_volume import SearchVolume
from selfseis.typing import FloatArray

FIRST_GUESSES = (6.0, 4.0, 2.5)
SLOWEST, FASTEST, N_TRIES, N_REFINED = 1.5, 8.0, 9, 5
N_EVENTS, MIN_EVENTS, MIN_EVENT_PICKS = 10, 3, 6
MAX_Z = 4.0
DEFAULT_VP = 6.0
CLEARLY = 1.05  # misfits within 5% of the least tell no difference


@dataclass(frozen=True)
class EstimatedVelocity:
    """A velocity model and how far the picks decided it.

    Attributes
    ----------
    model : VelocityModel1D
        The model.
    low, high : float
        Range of vp in km/s (of its top layer) whose misfit is within 5% of the least; not a number if not measured.
    note : str
        What was done, in words.
    """

    model: VelocityModel1D
    low: float
    high: float
    note: str


def estimate_velocity(
    picks: Sequence[Pick], stations: StationTable, max_depth_km: float | None = None
) -> EstimatedVelocity:
    """Estimate a velocity model from picks.

    Parameters
    ----------
    picks : sequence of Pick
        Of many events; not yet associated.
    stations : StationTable
        Under the names that the picks have.
    max_depth_km : float, optional
        Deepest source.

    Returns
    -------
    EstimatedVelocity
        Where fewer than one event of six picks is found, 6 km/s with the Wadati ratio, and the note says so.
    """
    events = _velocity_free(picks, stations, max_depth_km)
    wadati = fit_wadati(event.picks for event in events)
    best = sorted((e for e in events if len(e.picks) >= MIN_EVENT_PICKS), key=lambda e: -len(e.picks))
    best = best[:N_EVENTS]
    if not best:
        model = VelocityModel1D.homogeneous(DEFAULT_VP, wadati.vp_vs, "assumed")
        return EstimatedVelocity(
            model, np.nan, np.nan, f"vp of {DEFAULT_VP:g} km/s is assumed: no event has six picks. {wadati}"
        )
    shapes = (
        VelocityModel1D.homogeneous(1.0, wadati.vp_vs),
        VelocityModel1D.typical_crust(1.0, wadati.vp_vs),
    )
    found = [_fitted(shape, best, stations, max_depth_km) for shape in shapes]
    # the simpler shape stays unless the other is clearly better
    tried, misfits, shape = found[1] if found[1][1].min() * CLEARLY < found[0][1].min() else found[0]
    factor = tried[misfits.argmin()]
    model = _scaled(shape, factor)
    order, fine = np.argsort(tried), np.geomspace(tried.min(), tried.max(), 500)
    between = np.interp(np.log(fine), np.log(tried[order]), misfits[order])
    near = fine[between <= CLEARLY * misfits.min()] * shape.vp[0]
    weak = near.max() > 1.5 * near.min() or near.min() <= 1.05 * SLOWEST or near.max() >= FASTEST / 1.05
    note = (
        f"velocity estimated from {len(best)} events: vp {model.vp[0]:.2f} km/s ({near.min():.2f} to "
        f"{near.max():.2f} fit as well), {model.source}"
        + ("; weakly constrained, give a velocity model if there is one. " if weak else ". ")
        + str(wadati)
    )
    return EstimatedVelocity(model, float(near.min()), float(near.max()), note)


def _velocity_free(
    picks: Sequence[Pick], stations: StationTable, max_depth_km: float | None
) -> list[AssociatedEvent]:
    """Find events on whose origin time P-S pairs of three stations agree, or else with a first guess of velocity."""
    known = [pick for pick in picks if pick.station in stations.codes]
    search_volume = SearchVolume.about(stations, VelocityModel1D.homogeneous(DEFAULT_VP), max_depth_km)
    longest = 2 * (search_volume.times.reach_km + search_volume.depth_limits[1]) / DEFAULT_VP
    events = associate_by_origin_time(
        known, POISSON_VP_VS, s_minus_p=(0.0, max(longest, 0.05)), min_stations=3
    )
    if len(events) >= MIN_EVENTS:
        return events
    return max(
        (
            associate(known, search_volume.scaled(vp / DEFAULT_VP, VelocityModel1D.homogeneous(vp)))
            for vp in FIRST_GUESSES
        ),
        key=lambda found: sum(event.score for event in found),
    )


def _fitted(
    shape: VelocityModel1D,
    events: Sequence[AssociatedEvent],
    stations: StationTable,
    max_depth_km: float | None,
) -> tuple[FloatArray, FloatArray, VelocityModel1D]:
    """Misfit of events for velocities of one shape: a coarse row of factors, then finer about the best."""
    base = SearchVolume.about(stations, shape, max_depth_km)
    factors = np.geomspace(SLOWEST, FASTEST, N_TRIES) / shape.vp[0]
    misfits = np.array([_misfit(base, factor, events) for factor in factors])
    step = (FASTEST / SLOWEST) ** (1 / (N_TRIES - 1))
    centre = factors[misfits.argmin()]
    finer = centre * np.geomspace(1 / step, step, N_REFINED + 2)[1:-1]
    more = np.array([_misfit(base, factor, events) for factor in finer])
    return np.append(factors, finer), np.append(misfits, more), shape


def _misfit(base: SearchVolume, factor: float, events: Sequence[AssociatedEvent]) -> float:
    """Mean of |residual / sd| of all picks, each cut at 4, so that leaving picks out does not pay."""
    locator = Locator(base.scaled(factor, _scaled(base.velocity, factor)), model_error=0.01)
    total = [_cut_residuals(locator, event) for event in events]
    return float(np.mean(np.concatenate(total)))


def _cut_residuals(locator: Locator, event: AssociatedEvent) -> FloatArray:
    location = locator.locate(event.picks)
    if location is None:
        return np.full(len(event.picks), MAX_Z)
    z = [abs(arrival.residual_s) / max(arrival.pick.sd_s, 0.005) for arrival in location.arrivals]
    return np.minimum(z, MAX_Z)


def _scaled(shape: VelocityModel1D, factor: float) -> VelocityModel1D:
    kind = "the same everywhere" if len(shape.vp) == 1 else f"IASP91 crust with velocities times {factor:.2f}"
    return replace(shape, vp=shape.vp * factor, vs=shape.vs * factor, source=f"estimated: {kind}")
