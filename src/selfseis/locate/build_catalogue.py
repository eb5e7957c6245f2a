"""Catalogues from picks: velocity, association, location, clock errors, magnitudes and significance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from selfseis.catalogue.records import Amplitude, Event, Location, Pick, in_time
from selfseis.consensus.wadati import fit_wadati, origin_time_s, pairs_of
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.stations import StationTable
from selfseis.locate.amplitudes import AmplitudeMeter, arrival_times
from selfseis.locate.clock_errors import find_clock_errors, remove_faulty_picks
from selfseis.locate.located_catalogue import LocatedCatalogue
from selfseis.locate.location import MIN_STATIONS, MODEL_ERROR, Locator
from selfseis.locate.magnitude import local_magnitude, relative_magnitudes
from selfseis.locate.origin_time_association import MAX_S_MINUS_P, associate_by_origin_time, distances_km
from selfseis.locate.pick_assignment import PickAssignment
from selfseis.locate.pyocto_association import AssociatedEvent, associate, match_tolerance
from selfseis.locate.search_volume import SearchVolume
from selfseis.locate.significance import Associate, best_null_scores, default_n_shifts, p_value
from selfseis.locate.velocity_estimation import estimate_velocity

ESTIMATED_MODEL_ERROR = 0.03
LARGE_GAP_DEG = 180.0
ASSUMED_VP = 6.0


def locate_events(
    picks: Sequence[Pick],
    stations: StationTable,
    velocity: VelocityModel1D | None = None,
    *,
    recording: xr.DataArray | None = None,
    inventory: Any = None,
    min_picks: int | None = None,
    max_depth_km: float | None = None,
    max_s_minus_p: float = MAX_S_MINUS_P,
    n_shifts: int | None = None,
    seed: int = 0,
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
    recording : xarray.DataArray, optional
        Waveforms, for magnitudes.
    inventory : obspy.Inventory, optional
        Instrument responses, for local magnitudes. Without them, magnitudes are relative unless the recording has
        units of ground motion.
    min_picks : int, optional
        Minimum number of picks per event; by default a quarter of all possible ones, within 5 to 8.
    max_depth_km : float, optional
        Depth of the deepest source; by default one aperture of the array.
    max_s_minus_p : float
        Largest S - P time in s, used if there are too few stations with coordinates.
    n_shifts : int, optional
        Number of records with shifted stations for the p-values; 0 for none. By default 5 to 20, fewer for more picks.
    seed : int
        Seed of the shifts.

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
    picks = in_time(picks)
    names = list(dict.fromkeys(pick.station for pick in picks))
    known = stations.only(names)
    notes = [*stations.notes, *_notes_on_missing_stations(names, known)]
    if _count_places(known) < MIN_STATIONS:
        return _catalogue_without_locations(
            picks, known, velocity, notes, max_s_minus_p, n_shifts, seed, recording, inventory
        )
    error = MODEL_ERROR
    if velocity is None:
        estimated = estimate_velocity(picks, known, max_depth_km)
        velocity, error = estimated.model, ESTIMATED_MODEL_ERROR
        notes.append(estimated.note)
    search_volume = SearchVolume.around(known, velocity, max_depth_km)
    outside = tuple(code for code, far in zip(known.codes, search_volume.outside, strict=True) if far)
    notes += [
        f"station {code} lies far outside the array: its picks are used, but the search volume does not extend to it"
        for code in outside
    ]
    locator = Locator(search_volume, error)
    find = partial(find_events, locator=locator, min_picks=min_picks)
    found = find(picks)
    faults = find_clock_errors(
        picks, [place for _, place in found], locator, match_tolerance(search_volume, picks) / 2
    )
    used = remove_faulty_picks(picks, faults)
    if faults:
        notes += [str(fault) for fault in faults]
        found = find(used)
    wadati = fit_wadati(group.picks for group, _ in found)
    notes.append(str(wadati))
    best, shifts = _null_scores(used, lambda shifted: [group for group, _ in find(shifted)], n_shifts, seed)
    events = [_event(group, place, best, velocity) for group, place in found]
    events = _with_magnitudes(events, recording, inventory, velocity.vp_vs, notes)
    return LocatedCatalogue(
        events, known, outside, velocity, wadati, faults, picks, _unassociated(picks, events), shifts, notes
    )


def find_events(
    picks: Sequence[Pick], locator: Locator, min_picks: int | None = None
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

    Returns
    -------
    list of (AssociatedEvent, Location)
        In order of time; each pick belongs to one event at most.
    """
    search_volume = locator.search_volume
    known = [pick for pick in picks if pick.station in search_volume.stations.codes]
    tolerance = match_tolerance(search_volume, known)
    candidates = associate(known, search_volume, min_picks=min_picks, tolerance_s=tolerance)
    max_s_minus_p = float(search_volume.times.tables[:, 1].max() - search_volume.times.tables[:, 0].min())
    candidates += associate_by_origin_time(
        known, search_volume.velocity.vp_vs, s_minus_p=(0.0, max_s_minus_p), min_stations=MIN_STATIONS
    )
    return PickAssignment(known, locator, tolerance, min_picks).assign_picks(candidates)


def _catalogue_without_locations(
    picks: list[Pick],
    known: StationTable,
    velocity: VelocityModel1D | None,
    notes: list[str],
    max_s_minus_p: float,
    n_shifts: int | None,
    seed: int,
    recording: xr.DataArray | None,
    inventory: Any,
) -> LocatedCatalogue:
    """Events from origin-time association, for fewer than three stations or no coordinates."""
    model = velocity or VelocityModel1D.homogeneous(ASSUMED_VP, source="assumed")
    names = {pick.station for pick in picks}
    find = partial(associate_by_origin_time, vp_vs=model.vp_vs, s_minus_p=(0.0, max_s_minus_p))
    groups = find(picks)
    wadati = fit_wadati(group.picks for group in groups)
    if names:
        criterion = "agree in origin time" if len(names) > 1 else "include both P and S"
        notes.append(
            f"no event is located: there are picks at {len(known)} station{'s' * (len(known) != 1)} with coordinates; "
            f"location needs at least {MIN_STATIONS} at different places. Events are those whose picks {criterion}; "
            f"distances come from S - P with vp of {float(model.vp[0]):.2f} km/s ({model.source})"
        )
        notes.append(str(wadati))
    if len(names) == 1:
        notes.append(
            "picks come from one station alone: no other station confirms the events, so they have no p-value"
        )
    best, shifts = _null_scores(picks, find, 0 if len(names) < 2 else n_shifts, seed)
    events = [_event(group, None, best, model) for group in groups]
    events = _with_magnitudes(events, recording, inventory, model.vp_vs, notes)
    return LocatedCatalogue(
        events, known, (), model, wadati, [], picks, _unassociated(picks, events), shifts, notes
    )


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


def _null_scores(picks: Sequence[Pick], find: Associate, n_shifts: int | None, seed: int) -> tuple[Any, int]:
    n = default_n_shifts(len(picks)) if n_shifts is None else n_shifts
    n = n if picks else 0
    return best_null_scores(picks, find, n, seed), n


def _event(
    group: AssociatedEvent,
    place: Location | None,
    best_under_null: Any,
    velocity: VelocityModel1D,
) -> Event:
    pairs = pairs_of(group.picks)
    first, last = group.picks[0].time, max(pick.time for pick in group.picks)
    if place is not None:
        time = place.time
    elif pairs:
        origin = origin_time_s(pairs, velocity.vp_vs)[0]
        time = first + np.timedelta64(int(origin * 1e9), "ns")
    else:
        time = first
    return Event(
        event_id=f"ev{np.datetime_as_string(time.astype('datetime64[ms]')).translate(_PLAIN)}",
        start=first,
        end=last,
        peak=time,
        score=group.score,
        p_value=p_value(group.score, best_under_null),
        n_channels=len({pick.seed_id for pick in group.picks}),
        picks=group.picks,
        location=place,
        reason=_reason(place),
        distances_km={} if place is not None else distances_km(group.picks, velocity),
    )


_PLAIN = str.maketrans("", "", "-:.")


def _reason(place: Location | None) -> str:
    if place is None:
        return "too few stations with coordinates"
    words = []
    if not place.is_inside:
        words.append("at the limit of the volume searched: the epicentre is a direction only")
    elif place.gap_deg > LARGE_GAP_DEG:
        words.append(f"outside the stations (gap of {place.gap_deg:.0f} degrees)")
    if not place.depth_is_resolved:
        words.append("depth not resolved")
    return "; ".join(words)


def _with_magnitudes(
    events: list[Event], recording: xr.DataArray | None, inventory: Any, vp_vs: float, notes: list[str]
) -> list[Event]:
    """Add local magnitudes to the events, or relative ones to all of them if no response is known."""
    if recording is None or not events:
        return events
    meter = AmplitudeMeter(recording, inventory)
    amplitudes = [_amplitudes(event, meter, vp_vs) for event in events]
    distances = [_distances(event) for event in events]
    local = [local_magnitude(a, d) for a, d in zip(amplitudes, distances, strict=True)]
    if any(local):
        found = local
        notes.append("magnitudes are ML of Hutton and Boore (1987), calibrated for southern California")
    else:
        found = relative_magnitudes(amplitudes, distances)
        notes.append("magnitudes are relative (Mrel, 0 for the median event), because no response is known")
    return [replace(event, magnitude=magnitude) for event, magnitude in zip(events, found, strict=True)]


def _amplitudes(event: Event, meter: AmplitudeMeter, vp_vs: float) -> list[Amplitude]:
    times = arrival_times(event.picks, vp_vs)
    found = [meter.measure(p, s, station) for station, (p, s) in times.items()]
    return [amplitude for amplitude in found if amplitude is not None]


def _distances(event: Event) -> dict[str, float]:
    """Hypocentral distance by station; from S - P if the event is not located."""
    place = event.location
    if place is None:
        return event.distances_km
    depth = max(place.depth_km, 0.0)
    return {a.pick.station: float(np.hypot(a.distance_km, depth)) for a in place.arrivals}


def _unassociated(picks: Sequence[Pick], events: Sequence[Event]) -> list[Pick]:
    used = {pick for event in events for pick in event.picks}
    return [pick for pick in picks if pick not in used]
