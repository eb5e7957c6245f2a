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
from selfseis.locate.location import MIN_STATIONS, Locator
from selfseis.locate.options import LocateOptions, VelocityEstimationOptions
from selfseis.locate.origin_time_association import associate_by_origin_time
from selfseis.locate.pyocto_association import AssociatedEvent, associate
from selfseis.locate.search_volume import SearchVolume
from selfseis.typing import FloatArray


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
    picks: Sequence[Pick],
    stations: StationTable,
    max_depth_km: float | None = None,
    options: LocateOptions = LocateOptions(),
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
    options : LocateOptions
        Settings of the estimation, and of the association and location that it uses.

    Returns
    -------
    EstimatedVelocity
        If no event with six picks is found, vp is 6 km/s with vp/vs from the Wadati diagram, and the note reports it.
    """
    return _Estimation(stations, max_depth_km, options).run(picks)


@dataclass(frozen=True)
class _Estimation:
    """Estimation of velocity with the stations and settings of one catalogue."""

    stations: StationTable
    max_depth_km: float | None
    all_options: LocateOptions

    @property
    def options(self) -> VelocityEstimationOptions:
        return self.all_options.velocity_estimation

    def run(self, picks: Sequence[Pick]) -> EstimatedVelocity:
        options = self.options
        events = self._preliminary_events(picks)
        wadati = fit_wadati((event.picks for event in events), options=self.all_options.wadati)
        best = [event for event in events if len(event.picks) >= options.min_event_picks]
        best = sorted(best, key=lambda event: -len(event.picks))[: options.n_events]
        if not best:
            vp = options.assumed_vp
            model = VelocityModel1D.homogeneous(vp, wadati.vp_vs, "assumed")
            note = f"vp of {vp:g} km/s is assumed: no event has {options.min_event_picks} picks. {wadati}"
            return EstimatedVelocity(model, np.nan, np.nan, note)
        shapes = (
            VelocityModel1D.homogeneous(1.0, wadati.vp_vs),
            VelocityModel1D.typical_crust(1.0, wadati.vp_vs),
        )
        found = [self._fit_factor(shape, best) for shape in shapes]
        # the simpler profile, unless the other is clearly better
        is_crust = found[1][1].min() * options.equal_misfit < found[0][1].min()
        tried, misfits, shape = found[1] if is_crust else found[0]
        model = _scaled(shape, tried[misfits.argmin()])
        near = self._equal_vps(tried, misfits, shape)
        note = (
            f"velocity estimated from {len(best)} events: vp {model.vp[0]:.2f} km/s ({near.min():.2f} to "
            f"{near.max():.2f} fit equally well), {model.source}"
            + (
                "; weakly constrained: give a velocity model if one is available. "
                if self._is_weak(near)
                else ". "
            )
            + str(wadati)
        )
        return EstimatedVelocity(model, float(near.min()), float(near.max()), note)

    def _equal_vps(self, tried: FloatArray, misfits: FloatArray, shape: VelocityModel1D) -> FloatArray:
        """Return the velocities of the top layer that fit as well as the best one."""
        order, fine = np.argsort(tried), np.geomspace(tried.min(), tried.max(), 500)
        between = np.interp(np.log(fine), np.log(tried[order]), misfits[order])
        return np.asarray(fine[between <= self.options.equal_misfit * misfits.min()] * shape.vp[0])

    def _is_weak(self, near: FloatArray) -> bool:
        """Whether the range of equal velocities is wide or reaches the limits of the search."""
        low, high = self.options.vp_range
        return bool(
            near.max() > self.options.max_range * near.min()
            or near.min() <= 1.05 * low
            or near.max() >= high / 1.05
        )

    def _around(self, velocity: VelocityModel1D) -> SearchVolume:
        return SearchVolume.around(self.stations, velocity, self.max_depth_km, self.all_options.search_volume)

    def _preliminary_events(self, picks: Sequence[Pick]) -> list[AssociatedEvent]:
        """Find events by origin-time association at three stations, or else with an initial velocity."""
        known = [pick for pick in picks if pick.station in self.stations.codes]
        vp, association = self.options.assumed_vp, self.all_options.association
        search_volume = self._around(VelocityModel1D.homogeneous(vp))
        max_s_minus_p = 2 * (search_volume.times.reach_km + search_volume.depth_limits[1]) / vp
        events = associate_by_origin_time(
            known,
            POISSON_VP_VS,
            s_minus_p=(0.0, max(max_s_minus_p, 0.05)),
            min_stations=MIN_STATIONS,
            options=association,
        )
        if len(events) >= self.options.min_events:
            return events
        scaled = [
            search_volume.scaled(initial / vp, VelocityModel1D.homogeneous(initial))
            for initial in self.options.initial_vps
        ]
        proposed = [associate(known, volume, options=association) for volume in scaled]
        return max(proposed, key=lambda found: sum(event.score for event in found))

    def _fit_factor(
        self, shape: VelocityModel1D, events: Sequence[AssociatedEvent]
    ) -> tuple[FloatArray, FloatArray, VelocityModel1D]:
        """Return factors of one profile and the misfit of each: a coarse grid, then a finer one around the best."""
        (low, high), n_factors = self.options.vp_range, self.options.n_factors
        base = self._around(shape)
        factors = np.geomspace(low, high, n_factors) / shape.vp[0]
        misfits = np.array([self._misfit(base, factor, events) for factor in factors])
        step = (high / low) ** (1 / (n_factors - 1))
        centre = factors[misfits.argmin()]
        finer = centre * np.geomspace(1 / step, step, self.options.n_refined + 2)[1:-1]
        more = np.array([self._misfit(base, factor, events) for factor in finer])
        return np.append(factors, finer), np.append(misfits, more), shape

    def _misfit(self, base: SearchVolume, factor: float, events: Sequence[AssociatedEvent]) -> float:
        """Return the mean |residual / sd| of all picks, each cut, so that leaving picks out does not lower it."""
        search_volume = base.scaled(factor, _scaled(base.velocity, factor))
        locator = Locator(search_volume, self.options.model_error, self.all_options.location)
        return float(np.mean(np.concatenate([self._cut_residuals(locator, event) for event in events])))

    def _cut_residuals(self, locator: Locator, event: AssociatedEvent) -> FloatArray:
        location = locator.locate(event.picks)
        if location is None:
            return np.full(len(event.picks), self.options.max_z)
        z = [
            abs(arrival.residual_s) / max(arrival.pick.sd_s, self.options.min_sd)
            for arrival in location.arrivals
        ]
        return np.minimum(z, self.options.max_z)


def _scaled(shape: VelocityModel1D, factor: float) -> VelocityModel1D:
    kind = "constant velocity" if len(shape.vp) == 1 else f"IASP91 crust with velocities times {factor:.2f}"
    return replace(shape, vp=shape.vp * factor, vs=shape.vs * factor, source=f"estimated: {kind}")
