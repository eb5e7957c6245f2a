"""Catalogues from picks: velocity, association, location, clock errors, magnitudes and significance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from selfseis.catalogue.records import Amplitude, Event, Location, Pick, in_time
from selfseis.consensus.wadati import fit_wadati, origin_time_s, pairs_of
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.stations import StationTable
from selfseis.locate.amplitudes import AmplitudeMeter, arrival_times
from selfseis.locate.clock_errors import find_clock_errors, remove_faulty_picks
from selfseis.locate.located_catalogue import LocatedCatalogue
from selfseis.locate.location import MIN_STATIONS, Locator
from selfseis.locate.magnitude import local_magnitude, relative_magnitudes
from selfseis.locate.options import AssociationOptions, LocateOptions
from selfseis.locate.origin_time_association import associate_by_origin_time, distances_km
from selfseis.locate.pick_assignment import PickAssignment
from selfseis.locate.pyocto_association import AssociatedEvent, associate, match_tolerance
from selfseis.locate.search_volume import SearchVolume
from selfseis.locate.significance import Associate, best_null_scores, default_n_shifts, p_value
from selfseis.locate.station_faults import find_late_stations, find_misplaced_stations
from selfseis.locate.velocity_estimation import estimate_velocity
from selfseis.recording import as_recording
from selfseis.recording.sensors import station_names
from selfseis.typing import FloatArray


def locate_events(
    picks: Sequence[Pick],
    stations: StationTable,
    velocity: VelocityModel1D | None = None,
    *,
    recording: Any = None,
    inventory: Any = None,
    min_picks: int | None = None,
    max_depth_km: float | None = None,
    max_s_minus_p: float | None = None,
    n_shifts: int | None = None,
    seed: int = 0,
    options: LocateOptions = LocateOptions(),
) -> LocatedCatalogue:
    """Associate picks, locate the events, and return their catalogue.

    Parameters
    ----------
    picks : sequence of Pick
        Picks of all stations, in any order.
    stations : StationTable
        Coordinates of the stations. Some stations of the picks may be missing.
    velocity : VelocityModel1D, optional
        The velocity model; by default it is estimated from the picks.
    recording : xarray.DataArray, path, Stream or Patch, optional
        Waveforms, for magnitudes.
    inventory : obspy.Inventory or path, optional
        Instrument responses, for local magnitudes; by default those with which the recording was opened. Without them,
        magnitudes are relative unless the recording has units of ground motion.
    min_picks : int, optional
        Minimum number of picks per event; by default a quarter of all possible ones, within 5 to 8.
    max_depth_km : float, optional
        Depth of the deepest source; by default one aperture of the array.
    max_s_minus_p : float, optional
        Largest S - P time in s, used if there are too few stations with coordinates; by default that of the options.
    n_shifts : int, optional
        Number of records with shifted stations for the p-values; 0 for none. By default 5 to 20, fewer for more picks.
    seed : int
        Seed of the shifts.
    options : LocateOptions
        All further settings.

    Returns
    -------
    LocatedCatalogue
        With fewer than three stations at different places, its events come from origin-time association and are not
        located.

    Examples
    --------
    >>> from selfseis import locate_events
    >>> from selfseis.catalogue import read_picks
    >>> from selfseis.geo.stations import StationTable
    >>> catalogue = locate_events(read_picks("picks.csv"), StationTable.from_file("stations.csv"))  # doctest: +SKIP
    >>> catalogue.write("catalogue")  # doctest: +SKIP
    """
    picks = in_time(_with_sensors(picks))
    names = list(dict.fromkeys(pick.station for pick in picks))
    known = stations.only(names)
    notes = [*stations.notes, *_notes_on_missing_stations(names, known)]
    if velocity is not None and "linear" in velocity.source:
        notes.append(f"the velocity model is {velocity.source}")
    meter = None
    if recording is not None:
        meter = AmplitudeMeter(as_recording(recording), inventory, options.amplitudes)
    job = _Job(known, notes, meter, n_shifts, seed, options)
    if _count_places(known) < MIN_STATIONS:
        return job.catalogue_without_locations(picks, velocity, max_s_minus_p)
    return job.located_catalogue(picks, velocity, min_picks, max_depth_km)


@dataclass(frozen=True)
class _Job:
    """One run of `locate_events`: its stations and settings, and the notes that it collects."""

    stations: StationTable
    notes: list[str]
    meter: AmplitudeMeter | None
    n_shifts: int | None
    seed: int
    options: LocateOptions

    def located_catalogue(
        self,
        picks: list[Pick],
        velocity: VelocityModel1D | None,
        min_picks: int | None,
        max_depth_km: float | None,
    ) -> LocatedCatalogue:
        """Return located events, for three stations or more with coordinates."""
        options, error = self.options, self.options.location.model_error
        may_deepen = (
            max_depth_km is None and velocity is not None
        )  # an estimated one has fitted the depths too
        if velocity is None:
            estimated = estimate_velocity(picks, self.stations, max_depth_km, options)
            velocity, error = estimated.model, options.location.estimated_model_error
            self.notes.append(estimated.note)
        volume = SearchVolume.around(self.stations, velocity, max_depth_km, options.search_volume)
        locator = Locator(volume, error, options.location)
        find = partial(find_events, locator=locator, min_picks=min_picks, options=options.association)
        found = find(picks)
        n_at_bottom = sum(_is_at_bottom(place, volume) for _, place in found)
        limits = options.search_volume
        if may_deepen and n_at_bottom >= max(limits.min_at_bottom, limits.min_share_at_bottom * len(found)):
            top, bottom = volume.depth_limits
            deeper = min(2 * bottom - top, limits.max_depth)
            self.notes.append(
                f"{n_at_bottom} of {len(found)} events lie at the bottom of the search volume, at {bottom:.1f} km: "
                f"it now reaches {deeper:.1f} km"
            )
            return self.located_catalogue(picks, velocity, min_picks, deeper)
        outside = tuple(code for code, far in zip(self.stations.codes, volume.outside, strict=True) if far)
        self.notes.extend(
            f"station {code} lies far outside the array: its picks are used, but the search volume does not "
            "extend to it"
            for code in outside
        )
        places = [place for _, place in found]
        tolerance = match_tolerance(volume, picks, options.association) / 2
        faults = find_clock_errors(picks, places, locator, tolerance, options.clock_errors)
        used = remove_faulty_picks(picks, faults, options.clock_errors)
        misplaced = find_misplaced_stations(used, places, locator, tolerance, options.station_faults)
        used = [pick for pick in used if all(pick.station != fault.station for fault in misplaced)]
        self.notes.extend(str(fault) for fault in [*faults, *misplaced])
        if faults or misplaced:
            found = find(used)
        late = find_late_stations([place for _, place in found], options.station_faults)
        self.notes.extend(str(fault) for fault in late)
        wadati = fit_wadati((group.picks for group, _ in found), options=options.wadati)
        self.notes.append(str(wadati))
        best = self._null_scores(used, lambda shifted: [group for group, _ in find(shifted)])
        events = self._with_magnitudes([self._event(*pair, best, velocity) for pair in found], velocity)
        return LocatedCatalogue(
            events, self.stations, outside, velocity, wadati, faults, picks, _unassociated(picks, events),
            len(best), self.notes,
        )  # fmt: skip

    def catalogue_without_locations(
        self, picks: list[Pick], velocity: VelocityModel1D | None, max_s_minus_p: float | None
    ) -> LocatedCatalogue:
        """Return events from origin-time association, for fewer than three stations or no coordinates."""
        association = self.options.association
        if max_s_minus_p is None:
            max_s_minus_p = association.max_s_minus_p
        model = velocity or VelocityModel1D.homogeneous(
            self.options.velocity_estimation.assumed_vp, source="assumed"
        )
        find = partial(
            associate_by_origin_time,
            vp_vs=model.vp_vs,
            s_minus_p=(0.0, max_s_minus_p),
            options=association,
        )
        groups = find(picks)
        wadati = fit_wadati((group.picks for group in groups), options=self.options.wadati)
        names = {pick.station for pick in picks}
        if names:
            self.notes.extend([self._why_not_located(len(names), model), str(wadati)])
        if len(names) == 1:
            self.notes.append(
                "picks come from one station alone: no other station confirms the events, so they have no p-value"
            )
        best = self._null_scores(picks, find) if len(names) > 1 else np.empty(0)
        events = self._with_magnitudes([self._event(group, None, best, model) for group in groups], model)
        return LocatedCatalogue(
            events,
            self.stations,
            (),
            model,
            wadati,
            [],
            picks,
            _unassociated(picks, events),
            len(best),
            self.notes,
        )

    def _why_not_located(self, n_names: int, model: VelocityModel1D) -> str:
        n_known = len(self.stations)
        criterion = "agree in origin time" if n_names > 1 else "include both P and S"
        return (
            f"no event is located: there are picks at {n_known} station{'s' * (n_known != 1)} with coordinates; "
            f"location needs at least {MIN_STATIONS} at different places. Events are those whose picks {criterion}; "
            f"distances come from S - P with vp of {float(model.vp[0]):.2f} km/s ({model.source})"
        )

    def _null_scores(self, picks: Sequence[Pick], find: Associate) -> FloatArray:
        """Return the best score in each record with shifted stations; none without picks."""
        n = (
            default_n_shifts(len(picks), self.options.significance)
            if self.n_shifts is None
            else self.n_shifts
        )
        return best_null_scores(picks, find, n if picks else 0, self.seed)

    def _event(
        self,
        group: AssociatedEvent,
        place: Location | None,
        best_under_null: FloatArray,
        velocity: VelocityModel1D,
    ) -> Event:
        time = _origin_time(group, place, velocity.vp_vs)
        return Event(
            event_id=f"ev{np.datetime_as_string(time.astype('datetime64[ms]')).translate(_PLAIN)}",
            start=group.picks[0].time,
            end=max(pick.time for pick in group.picks),
            peak=time,
            score=group.score,
            p_value=p_value(group.score, best_under_null),
            n_channels=len({pick.seed_id for pick in group.picks}),
            picks=group.picks,
            location=place,
            reason=_reason(place, self.options.location.large_gap),
            distances_km={} if place is not None else distances_km(group.picks, velocity),
        )

    def _with_magnitudes(self, events: list[Event], velocity: VelocityModel1D) -> list[Event]:
        """Add local magnitudes to the events, or relative ones to all of them if no response is known."""
        if self.meter is None or not events:
            return events
        amplitudes = [_amplitudes(event, self.meter, velocity.vp_vs) for event in events]
        distances = [self._distances(event) for event in events]
        self.notes.extend(
            f"no local magnitude from {seed_id}: {reason}" for seed_id, reason in self.meter.unusable.items()
        )
        options = self.options.magnitude
        local = [local_magnitude(a, d, options) for a, d in zip(amplitudes, distances, strict=True)]
        if any(local):
            found = local
            self.notes.append(
                "magnitudes are ML of Hutton and Boore (1987), calibrated for southern California"
            )
        else:
            found = relative_magnitudes(amplitudes, distances, options)
            self.notes.append(
                "magnitudes are relative (Mrel, 0 for the median event), because no response is known"
            )
        return [replace(event, magnitude=magnitude) for event, magnitude in zip(events, found, strict=True)]

    def _distances(self, event: Event) -> dict[str, float]:
        """Hypocentral distance by station, from its elevation; from S - P if the event is not located."""
        place = event.location
        if place is None:
            return event.distances_km
        rows = {
            arrival.pick.station: self.stations.row_of(arrival.pick.station) for arrival in place.arrivals
        }
        depths = {name: 0.0 if row is None else self.stations.depth_km[row] for name, row in rows.items()}
        return {
            a.pick.station: float(np.hypot(a.distance_km, place.depth_km - depths[a.pick.station]))
            for a in place.arrivals
        }


def find_events(
    picks: Sequence[Pick],
    locator: Locator,
    min_picks: int | None = None,
    options: AssociationOptions = AssociationOptions(),
) -> list[tuple[AssociatedEvent, Location]]:
    """Find and locate events from picks.

    PyOcto and origin-time association at three stations propose events; `PickAssignment` selects among them.

    Parameters
    ----------
    picks : sequence of Pick
        In any order. Picks at stations outside the locator's table are left out.
    locator : Locator
        The locator, with stations, search volume and travel times.
    min_picks : int, optional
        Minimum number of picks per event.
    options : AssociationOptions
        Settings of the association.

    Returns
    -------
    list of (AssociatedEvent, Location)
        In order of time; each pick belongs to one event at most.
    """
    search_volume = locator.search_volume
    known = [pick for pick in picks if pick.station in search_volume.stations.codes]
    tolerance = match_tolerance(search_volume, known, options)
    candidates = associate(known, search_volume, min_picks=min_picks, tolerance_s=tolerance, options=options)
    max_s_minus_p = float(search_volume.times.tables[:, 1].max() - search_volume.times.tables[:, 0].min())
    candidates += associate_by_origin_time(
        known,
        search_volume.velocity.vp_vs,
        s_minus_p=(0.0, max_s_minus_p),
        min_stations=MIN_STATIONS,
        options=options,
    )
    return PickAssignment(known, locator, tolerance, min_picks, options).assign_picks(candidates)


def _is_at_bottom(place: Location, volume: SearchVolume) -> bool:
    top, bottom = volume.depth_limits
    return place.depth_km > bottom - 1e-3 * (bottom - top)


def _with_sensors(picks: Sequence[Pick]) -> list[Pick]:
    """Return picks with the names of those sensors whose components have several location codes."""
    channels = list(dict.fromkeys(pick.seed_id for pick in picks if pick.seed_id.count(".") == 3))
    sensor_of = dict(zip(channels, station_names(channels), strict=True))
    return [
        replace(pick, sensor=sensor_of[pick.seed_id])
        if sensor_of.get(pick.seed_id, pick.station) != pick.station
        else pick
        for pick in picks
    ]


def _notes_on_missing_stations(names: Sequence[str], known: StationTable) -> list[str]:
    missing = [name for name in names if name not in known.codes]
    if not names:
        return ["there are no picks, so there are no events"]
    if not missing:
        return []
    return [f"no coordinates of {', '.join(missing)}: picks there are not used for locations"]


def _count_places(stations: StationTable) -> int:
    pairs = zip(np.round(stations.latitude, 5), np.round(stations.longitude, 5), strict=True)
    return len(set(pairs))


def _origin_time(group: AssociatedEvent, place: Location | None, vp_vs: float) -> np.datetime64:
    """Return the time of the location, or from S - P times, or else of the first pick."""
    if place is not None:
        return place.time
    first = group.picks[0].time
    if not (pairs := pairs_of(group.picks)):
        return first
    return np.datetime64(first + np.timedelta64(int(origin_time_s(pairs, vp_vs)[0] * 1e9), "ns"))


_PLAIN = str.maketrans("", "", "-:.")


def _reason(place: Location | None, large_gap_deg: float) -> str:
    if place is None:
        return "too few stations with coordinates"
    words = []
    if not place.is_inside:
        words.append("at the limit of the volume searched: the epicentre is a direction only")
    elif place.gap_deg > large_gap_deg:
        words.append(f"outside the stations (gap of {place.gap_deg:.0f} degrees)")
    if not place.depth_is_resolved:
        words.append("depth not resolved")
    return "; ".join(words)


def _amplitudes(event: Event, meter: AmplitudeMeter, vp_vs: float) -> list[Amplitude]:
    times = arrival_times(event.picks, vp_vs)
    picked = {pick.seed_id for pick in event.picks}
    found = [meter.measure(p, s, station, picked) for station, (p, s) in times.items()]
    return [amplitude for amplitude in found if amplitude is not None]


def _unassociated(picks: Sequence[Pick], events: Sequence[Event]) -> list[Pick]:
    used = {pick for event in events for pick in event.picks}
    return [pick for pick in picks if pick not in used]
