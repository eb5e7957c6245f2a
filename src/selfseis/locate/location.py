"""Event location with uncertainty: a grid search over the search volume, then robust least squares.

Each pick has the residual r = t - t0 - T(x, y, z), in units of s = sqrt(sd^2 + (e T)^2). Here sd is the standard
deviation of the pick, and e the error of the velocity model as a share of the travel time.

1. The grid search minimises the sum of |r / s| over nodes, with t0 the median at each node. Each term is cut at 4, so
   that a few wrong picks do not bias the location.
2. From the best nodes, a descent minimises the sum of rho(r / s) = 2 (sqrt(1 + (r / s)^2) - 1). This is least squares
   for small residuals, and absolute values for large ones.
3. Picks beyond five robust standard deviations are left out, and the event is located again.

The covariance is (J' J)^-1 of the derivatives of r / s, times the scale of the residuals. The scale also covers errors
of the model beyond those in s:

    scale = (n0 + sum w (r / s)^2) / (n0 + n - 4),   n0 = 4,   at least 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selfseis.catalogue.records import CONFIDENCE, PHASES, Arrival, Location, Pick
from selfseis.geo.sphere import azimuthal_gap
from selfseis.locate.options import LocationOptions
from selfseis.locate.search_volume import SearchVolume
from selfseis.typing import BoolArray, Float32Array, FloatArray, IndexArray

# Semi-axis, in standard deviations, of the ellipse that contains this share of a 2-D normal distribution.
ELLIPSE = float(np.sqrt(-2 * np.log(1 - CONFIDENCE)))
MIN_PICKS = 4  # as many as a location has unknowns
MIN_STATIONS = 3  # from two stations, two epicentres are possible


@dataclass(frozen=True)
class _Observed:
    """Picks of an event as arrays, with times in s after the first pick."""

    station: IndexArray
    phase: IndexArray
    time: FloatArray
    sd: FloatArray

    def take(self, keep: BoolArray) -> _Observed:
        return _Observed(self.station[keep], self.phase[keep], self.time[keep], self.sd[keep])


class Locator:
    """Locator of events in a search volume. It computes the travel times to the nodes of its grid once.

    Parameters
    ----------
    search_volume : SearchVolume
        Stations, volume and travel times.
    model_error : float, optional
        Error of the velocity model as a share of the travel times; by default that of the options.
    options : LocationOptions
        Grid, outliers and steps of the search.
    """

    def __init__(
        self,
        search_volume: SearchVolume,
        model_error: float | None = None,
        options: LocationOptions = LocationOptions(),
    ) -> None:
        self.search_volume = search_volume
        self.options = options
        self.model_error = options.model_error if model_error is None else model_error
        axes = [
            np.linspace(low, high, n)
            for (low, high), n in zip(
                (search_volume.east_limits, search_volume.north_limits, search_volume.depth_limits),
                options.grid,
                strict=True,
            )
        ]
        self._nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        self._spacing = np.array([axis[1] - axis[0] for axis in axes])
        self._node_times: dict[tuple[int, int], Float32Array] = {}
        self._row_of = {code: row for row, code in enumerate(search_volume.stations.codes)}

    def locate(self, picks: Sequence[Pick], near: Location | None = None) -> Location | None:
        """Locate one event.

        Parameters
        ----------
        picks : sequence of Pick
            Picks of the event. Picks at stations without coordinates are left out.
        near : Location, optional
            Starting point instead of a grid search.

        Returns
        -------
        Location or None
            None if fewer than four picks at three stations fit one location.
        """
        picks = [pick for pick in picks if pick.station in self._row_of]
        if not self._is_sufficient(observed := self._observed(picks)):
            return None
        starts = None if near is None else [self._start_at(near, picks)]
        at = self._solve(observed, starts)
        z = np.abs(self._residuals(at, observed) / self._sigma(at, observed))
        keep = z <= self.options.max_z * max(1.0, 1.4826 * float(np.median(z)))
        if not keep.all():
            if not self._is_sufficient(used := observed.take(keep)):
                return None
            at = self._solve(used, [at])
        return self._location(at, picks, observed, keep)

    def predicted(self, location: Location, station: str, phase: str) -> np.datetime64:
        """Return the predicted arrival time of a phase of a located event at a station."""
        east, north = self.search_volume.plane.flat(location.latitude, location.longitude)
        row = self._row_of[station]
        distance = np.hypot(self.search_volume.east_km[row] - east, self.search_volume.north_km[row] - north)
        travel = self.search_volume.times(row, PHASES.index(phase), distance, location.depth_km)[0]
        return np.datetime64(location.time + np.timedelta64(int(float(travel) * 1e9), "ns"))

    def _observed(self, picks: Sequence[Pick]) -> _Observed:
        begin = min((pick.time for pick in picks), default=np.datetime64(0, "ns"))
        seconds = [float((pick.time - begin) / np.timedelta64(1, "ns")) * 1e-9 for pick in picks]
        return _Observed(
            np.array([self._row_of[pick.station] for pick in picks], np.intp),
            np.array([PHASES.index(pick.phase) for pick in picks], np.intp),
            np.array(seconds, float),
            np.array([max(pick.sd_s, 1e-4) for pick in picks], float),
        )

    def _is_sufficient(self, observed: _Observed) -> bool:
        rows = np.unique(observed.station)
        places = {
            (
                round(float(self.search_volume.east_km[row]), 3),
                round(float(self.search_volume.north_km[row]), 3),
            )
            for row in rows
        }
        return len(observed.time) >= MIN_PICKS and len(places) >= MIN_STATIONS

    def _solve(self, observed: _Observed, starts: Sequence[FloatArray] | None = None) -> FloatArray:
        """Find east, north, depth and time with the smallest robust misfit."""
        candidates = [self._minimise(start, observed) for start in starts or self._grid_search(observed)]
        best = min(candidates, key=lambda found: found[0])[1]
        return self._minimise(best, observed)[1]  # again, with sigma at the solution

    def _start_at(self, near: Location, picks: Sequence[Pick]) -> FloatArray:
        east, north = self.search_volume.plane.flat(near.latitude, near.longitude)
        begin = min(pick.time for pick in picks)
        seconds = float((near.time - begin) / np.timedelta64(1, "ns")) * 1e-9
        return np.array([float(east), float(north), near.depth_km, seconds])

    def _grid_search(self, observed: _Observed) -> list[FloatArray]:
        """Return the best nodes of the grid that are not neighbours."""
        travel = np.stack(
            [self._times_to_nodes(s, p) for s, p in zip(observed.station, observed.phase, strict=True)]
        )
        origin = observed.time[:, None].astype(np.float32) - travel
        middle = np.median(origin, axis=0)
        blur = self._spacing[:2].max() / 2 * travel.max() / max(self.search_volume.times.reach_km, 1e-6)
        sigma = np.sqrt(observed.sd[:, None] ** 2 + (self.model_error * travel) ** 2 + blur**2)
        misfit = np.minimum(np.abs(origin - middle) / sigma, self.options.max_grid_z).sum(axis=0)
        starts: list[FloatArray] = []
        for node in np.argsort(misfit)[:200]:
            place = self._nodes[node]
            apart = [np.abs((place - other[:3]) / self._spacing).max() for other in starts]
            if all(cells > 2 for cells in apart):
                starts.append(np.append(place, middle[node]))
            if len(starts) == self.options.n_starts:
                break
        return starts

    def _times_to_nodes(self, station: int, phase: int) -> Float32Array:
        key = (int(station), int(phase))
        if key not in self._node_times:
            distance = np.hypot(
                self._nodes[:, 0] - self.search_volume.east_km[station],
                self._nodes[:, 1] - self.search_volume.north_km[station],
            )
            times = self.search_volume.times(station, phase, distance, self._nodes[:, 2])[0]
            self._node_times[key] = times.astype(np.float32)
        return self._node_times[key]

    def _minimise(self, start: FloatArray, observed: _Observed) -> tuple[float, FloatArray]:
        """Minimise the robust misfit from a starting point with Levenberg-Marquardt, within the volume."""
        limits = (
            self.search_volume.east_limits,
            self.search_volume.north_limits,
            self.search_volume.depth_limits,
        )
        low, high = (np.array([*(axis[side] for axis in limits), 1e9 * (2 * side - 1)]) for side in (0, 1))
        sigma = self._sigma(start, observed)
        at, damping = np.clip(start, low, high), 1e-2
        z, design = self._misfit(at, observed, sigma)
        for _ in range(self.options.max_steps):
            weight = 1 / np.sqrt(1 + z**2)
            normal, gradient = design.T @ (weight[:, None] * design), -design.T @ (weight * z)
            free = ~(((at <= low) & (gradient < 0)) | ((at >= high) & (gradient > 0)))
            step = np.zeros(4)
            damped = normal + np.diag(damping * np.diag(normal) + 1e-9)
            step[free] = np.linalg.solve(damped[np.ix_(free, free)], gradient[free])
            there = np.clip(at + step, low, high)
            z_there, design_there = self._misfit(there, observed, sigma)
            if _robust_misfit(z_there) <= _robust_misfit(z):
                moved = float(np.abs((there - at)[:3] / self._spacing).max())
                at, z, design, damping = there, z_there, design_there, damping / 5
                if moved < self.options.min_step:
                    break
            else:
                damping *= 5
                if damping > 1e5:
                    break
        return _robust_misfit(z), at

    def _misfit(
        self, at: FloatArray, observed: _Observed, sigma: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return residuals and their derivatives, in standard deviations."""
        east, north, distance = self._geometry(at, observed)
        travel, slope, depth_slope = self.search_volume.times(
            observed.station, observed.phase, distance, at[2]
        )
        away = np.maximum(distance, 1e-9)
        columns = [slope * east / away, slope * north / away, depth_slope, np.ones(len(east))]
        return (observed.time - at[3] - travel) / sigma, -np.stack(columns, axis=1) / sigma[:, None]

    def _geometry(self, at: FloatArray, observed: _Observed) -> tuple[FloatArray, FloatArray, FloatArray]:
        east = at[0] - self.search_volume.east_km[observed.station]
        north = at[1] - self.search_volume.north_km[observed.station]
        return east, north, np.hypot(east, north)

    def _travel(self, at: FloatArray, observed: _Observed) -> tuple[FloatArray, FloatArray, FloatArray]:
        distance = self._geometry(at, observed)[2]
        return self.search_volume.times(observed.station, observed.phase, distance, at[2])

    def _sigma(self, at: FloatArray, observed: _Observed) -> FloatArray:
        return np.hypot(observed.sd, self.model_error * self._travel(at, observed)[0])

    def _residuals(self, at: FloatArray, observed: _Observed) -> FloatArray:
        return observed.time - at[3] - self._travel(at, observed)[0]

    def _location(
        self, at: FloatArray, picks: Sequence[Pick], observed: _Observed, keep: BoolArray
    ) -> Location:
        residuals, sigma = self._residuals(at, observed), self._sigma(at, observed)
        weights = np.where(keep, 1 / np.sqrt(1 + (residuals / sigma) ** 2), 0.0)
        covariance = self._covariance(at, observed.take(keep), (residuals / sigma)[keep], weights[keep])
        values, axes = np.linalg.eigh(covariance[:2, :2])
        east, north, distance = self._geometry(at, observed)
        azimuth = np.degrees(np.arctan2(-east, -north)) % 360
        latitude, longitude = self.search_volume.plane.round(at[0], at[1])
        begin = min(pick.time for pick in picks)
        depth_error = float(np.sqrt(covariance[2, 2]))
        top, bottom = self.search_volume.depth_limits
        edge = 1e-3 * (bottom - top)
        return Location(
            time=begin + np.timedelta64(round(at[3] * 1e9), "ns"),
            latitude=float(latitude),
            longitude=float((longitude + 180) % 360 - 180),
            depth_km=float(at[2]),
            covariance=covariance,
            horizontal_error_km=ELLIPSE * float(np.sqrt(values[1])),
            smaller_error_km=ELLIPSE * float(np.sqrt(max(values[0], 0.0))),
            ellipse_azimuth_deg=float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180),
            depth_error_km=depth_error,
            time_error_s=float(np.sqrt(covariance[3, 3])),
            rms_s=float(np.sqrt(np.mean(residuals[keep] ** 2))),
            gap_deg=azimuthal_gap(azimuth[keep]),
            arrivals=tuple(
                map(Arrival, picks, *(a.tolist() for a in (residuals, distance, azimuth, weights)))
            ),
            depth_is_resolved=depth_error < (bottom - top) / 4 and bool(top + edge < at[2] < bottom - edge),
            is_inside=self._is_inside(at),
        )

    def _is_inside(self, at: FloatArray) -> bool:
        limits = (self.search_volume.east_limits, self.search_volume.north_limits)
        return all(
            bool(low + 1e-3 * (high - low) < value < high - 1e-3 * (high - low))
            for value, (low, high) in zip(at, limits, strict=False)
        )

    def _covariance(
        self, at: FloatArray, observed: _Observed, z: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Return the covariance; a direction that the picks do not constrain has the size of the volume."""
        design = self._misfit(at, observed, self._sigma(at, observed))[1]
        limits = (
            self.search_volume.east_limits,
            self.search_volume.north_limits,
            self.search_volume.depth_limits,
        )
        extent = np.array([high - low for low, high in limits] + [self.search_volume.s_crossing_s])
        information: Any = design.T @ (weights[:, None] * design) + np.diag(1 / extent**2)
        n_prior = self.options.n_prior_picks
        scale = (n_prior + float(np.sum(weights * z**2))) / (n_prior + max(len(z) - 4, 0))
        return np.asarray(np.linalg.inv(information) * max(scale, 1.0))


def _robust_misfit(z: FloatArray) -> float:
    return float(np.sum(np.sqrt(1 + z**2) - 1))
