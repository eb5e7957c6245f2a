"""Velocity estimation from picks alone: vp/vs from the Wadati diagram, vp from the misfit of located events.

If the velocity is too low or too high, no location fits the picks of an event. The estimate compares two profiles, a
constant velocity and a typical crust, each multiplied by a factor. It takes the one with the smallest misfit of the
best events. Depth and velocity trade off against each other. So the model fits the times and suits epicentres, but it
is not an image of the subsurface.
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

INITIAL_VP = (6.0, 4.0, 2.5)
MIN_VP, MAX_VP, N_FACTORS, N_REFINED = 1.5, 8.0, 9, 5
N_EVENTS, MIN_EVENTS, MIN_EVENT_PICKS = 10, 3, 6
MAX_Z = 4.0
DEFAULT_VP = 6.0
EQUAL_MISFIT = 1.05  # misfits within 5% of the smallest count as equal


@dataclass(frozen=True)
class EstimatedVelocity:
    """An estimated velocity model with its range.

    Attributes
    ----------
    model : VelocityModel1D
        The model.
    low, high : float
        Range of vp of the top layer in km/s with a misfit within 5% of the smallest; NaN if not measured.
    note : str
        Summary of the estimate in words.
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
        Picks of many events, not yet associated.
    stations : StationTable
        Stations under the names used in the picks.
    max_depth_km : float, optional
        Depth of the deepest source.

    Returns
    -------
    EstimatedVelocity
        If no event with six picks is found, vp is 6 km/s with vp/vs from the Wadati diagram, and the note reports it.
    """
    events = _preliminary_events(picks, stations, max_depth_km)
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
    found = [_fit_factor(shape, best, stations, max_depth_km) for shape in shapes]
    # the simpler profile, unless the other is clearly better
    tried, misfits, shape = found[1] if found[1][1].min() * EQUAL_MISFIT < found[0][1].min() else found[0]
    factor = tried[misfits.argmin()]
    model = _scaled(shape, factor)
    order, fine = np.argsort(tried), np.geomspace(tried.min(), tried.max(), 500)
    between = np.interp(np.log(fine), np.log(tried[order]), misfits[order])
    near = fine[between <= EQUAL_MISFIT * misfits.min()] * shape.vp[0]
    weak = near.max() > 1.5 * near.min() or near.min() <= 1.05 * MIN_VP or near.max() >= MAX_VP / 1.05
    note = (
        f"velocity estimated from {len(best)} events: vp {model.vp[0]:.2f} km/s ({near.min():.2f} to "
        f"{near.max():.2f} fit equally well), {model.source}"
        + ("; weakly constrained: give a velocity model if one is available. " if weak else ". ")
        + str(wadati)
    )
    return EstimatedVelocity(model, float(near.min()), float(near.max()), note)


def _preliminary_events(
    picks: Sequence[Pick], stations: StationTable, max_depth_km: float | None
) -> list[AssociatedEvent]:
    """Find events by origin-time association at three stations, or else with an initial velocity."""
    known = [pick for pick in picks if pick.station in stations.codes]
    search_volume = SearchVolume.around(stations, VelocityModel1D.homogeneous(DEFAULT_VP), max_depth_km)
    max_s_minus_p = 2 * (search_volume.times.reach_km + search_volume.depth_limits[1]) / DEFAULT_VP
    events = associate_by_origin_time(
        known, POISSON_VP_VS, s_minus_p=(0.0, max(max_s_minus_p, 0.05)), min_stations=3
    )
    if len(events) >= MIN_EVENTS:
        return events
    return max(
        (
            associate(known, search_volume.scaled(vp / DEFAULT_VP, VelocityModel1D.homogeneous(vp)))
            for vp in INITIAL_VP
        ),
        key=lambda found: sum(event.score for event in found),
    )


def _fit_factor(
    shape: VelocityModel1D,
    events: Sequence[AssociatedEvent],
    stations: StationTable,
    max_depth_km: float | None,
) -> tuple[FloatArray, FloatArray, VelocityModel1D]:
    """Return factors of one profile and the misfit of each: a coarse grid, then a finer one around the best."""
    base = SearchVolume.around(stations, shape, max_depth_km)
    factors = np.geomspace(MIN_VP, MAX_VP, N_FACTORS) / shape.vp[0]
    misfits = np.array([_misfit(base, factor, events) for factor in factors])
    step = (MAX_VP / MIN_VP) ** (1 / (N_FACTORS - 1))
    centre = factors[misfits.argmin()]
    finer = centre * np.geomspace(1 / step, step, N_REFINED + 2)[1:-1]
    more = np.array([_misfit(base, factor, events) for factor in finer])
    return np.append(factors, finer), np.append(misfits, more), shape


def _misfit(base: SearchVolume, factor: float, events: Sequence[AssociatedEvent]) -> float:
    """Return the mean |residual / sd| of all picks, each cut at 4, so that leaving picks out does not lower it."""
    locator = Locator(base.scaled(factor, _scaled(base.velocity, factor)), model_error=0.01)
    residuals = [_cut_residuals(locator, event) for event in events]
    return float(np.mean(np.concatenate(residuals)))


def _cut_residuals(locator: Locator, event: AssociatedEvent) -> FloatArray:
    location = locator.locate(event.picks)
    if location is None:
        return np.full(len(event.picks), MAX_Z)
    z = [abs(arrival.residual_s) / max(arrival.pick.sd_s, 0.005) for arrival in location.arrivals]
    return np.minimum(z, MAX_Z)


def _scaled(shape: VelocityModel1D, factor: float) -> VelocityModel1D:
    kind = "constant velocity" if len(shape.vp) == 1 else f"IASP91 crust with velocities times {factor:.2f}"
    return replace(shape, vp=shape.vp * factor, vs=shape.vs * factor, source=f"estimated: {kind}")
