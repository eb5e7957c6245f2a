"""Catalogue of located events, and its files.

``catalogue.csv``
    One line per event: event_id, start, end, score, p_value, n_channels, time, latitude, longitude, depth_km and
    magnitude; empty if not known. ``start`` and ``end`` are the first and the last pick.
``catalogue.xml``
    QuakeML with origins and their uncertainties, picks, arrivals, amplitudes and magnitudes.
``locations.json``
    Data of a map, a section and a Wadati diagram::

        {
          "stations": [{"station", "latitude", "longitude", "elevation_m", "n_picks", "far_outside"}],
          "events": [{
              "event_id", "time",                       # ISO 8601 UTC, microseconds and Z
              "located": true | false, "reason",        # why not, or a caveat; "" if none
              "latitude", "longitude", "depth_km",      # null if not located; depth below sea level
              "horizontal_error_km",                    # larger semi-axis of the 68% ellipse
              "smaller_error_km", "ellipse_azimuth_deg",  # smaller semi-axis; azimuth of the larger one from north
              "depth_error_km", "time_error_s",         # one standard deviation
              "depth_is_resolved", "rms_s", "gap_deg",
              "n_picks", "n_used", "score", "p_value",
              "magnitude", "magnitude_type", "magnitude_error",
              "distances_km": {station: km},            # if not located: from S - P
              "arrivals": [{"seed_id", "phase", "time", "residual_s", "distance_km", "weight"}]
          }],
          "wadati": {"vp_vs", "low", "high", "is_measured", "n_events", "n_pairs",
                     "points": [{"event_id", "station", "p_s", "s_minus_p_s"}]},   # p_s: P travel time
          "velocity": {"depth_km": [...], "vp": [...], "vs": [...], "source"} | null,
          "clock_errors": [{"station", "shift_s", "first", "last", "n_events"}],
          "n_picks", "n_unassociated", "n_shifts",
          "notes": [sentence]
        }
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selfseis.catalogue.records import Event, Pick, format_utc
from selfseis.catalogue.tables import write_catalogue
from selfseis.consensus.wadati import Wadati
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.stations import StationTable
from selfseis.io.atomic import write_json
from selfseis.locate.clock_errors import ClockError


@dataclass
class LocatedCatalogue:
    """Located events, with the stations, picks and velocity model of the location.

    Attributes
    ----------
    events : list of Event
        In order of time.
    stations : StationTable
        Stations with coordinates.
    far_outside : tuple of str
        Stations far outside the array.
    velocity : VelocityModel1D or None
        The velocity model.
    wadati : Wadati
        The Wadati diagram of the picks of the events.
    clock_errors : list of ClockError
        Apparent clock errors of stations.
    picks, unassociated : list of Pick
        All picks, and those that belong to no event.
    n_shifts : int
        Number of records with shifted stations for the p-values.
    notes : list of str
        Assumptions, exclusions and caveats, as sentences.
    """

    events: list[Event]
    stations: StationTable
    far_outside: tuple[str, ...]
    velocity: VelocityModel1D | None
    wadati: Wadati
    clock_errors: list[ClockError]
    picks: list[Pick]
    unassociated: list[Pick]
    n_shifts: int
    notes: list[str]

    @property
    def located(self) -> list[Event]:
        """Return the events that have a location."""
        return [event for event in self.events if event.location is not None]

    def write(self, folder: Path | str) -> None:
        """Write ``catalogue.csv``, ``catalogue.xml`` and ``locations.json``, each whole or not at all."""
        write_catalogue(self.events, Path(folder))
        write_json(Path(folder) / "locations.json", self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``locations.json``, as described in the module docstring."""
        picked = [pick.station for pick in self.picks]
        stations = [
            {
                "station": code,
                "latitude": round(float(self.stations.latitude[row]), 6),
                "longitude": round(float(self.stations.longitude[row]), 6),
                "elevation_m": round(float(self.stations.elevation_m[row]), 1),
                "n_picks": picked.count(code),
                "far_outside": code in self.far_outside,
            }
            for row, code in enumerate(self.stations.codes)
        ]
        return {
            "stations": stations,
            "events": [_event_to_dict(event) for event in self.events],
            "wadati": self._wadati_to_dict(),
            "velocity": None if self.velocity is None else self.velocity.to_dict(),
            "clock_errors": [
                {
                    "station": fault.station,
                    "shift_s": round(fault.shift_s, 3),
                    "first": format_utc(fault.first),
                    "last": format_utc(fault.last),
                    "n_events": fault.n_events,
                }
                for fault in self.clock_errors
            ],
            "n_picks": len(self.picks),
            "n_unassociated": len(self.unassociated),
            "n_shifts": self.n_shifts,
            "notes": self.notes,
        }

    def _wadati_to_dict(self) -> dict[str, Any]:
        points = [
            {"event_id": self.events[point["event"]].event_id}
            | {key: value for key, value in point.items() if key != "event"}
            for point in self.wadati.points
        ]
        return {
            "vp_vs": round(self.wadati.vp_vs, 4),
            "low": _number(self.wadati.low, 4),
            "high": _number(self.wadati.high, 4),
            "is_measured": self.wadati.is_measured,
            "n_events": self.wadati.n_events,
            "n_pairs": self.wadati.n_pairs,
            "points": points,
        }


def _event_to_dict(event: Event) -> dict[str, Any]:
    place, magnitude = event.location, event.magnitude
    digits = {
        "latitude": 6,
        "longitude": 6,
        "depth_km": 3,
        "horizontal_error_km": 4,
        "smaller_error_km": 4,
        "ellipse_azimuth_deg": 1,
        "depth_error_km": 4,
        "time_error_s": 4,
        "rms_s": 4,
        "gap_deg": 1,
    }
    numbers = {name: _number(getattr(place, name, np.nan), places) for name, places in digits.items()}
    return {
        "event_id": event.event_id,
        "time": format_utc(event.peak),
        "located": place is not None,
        "reason": event.reason,
        **numbers,
        "depth_is_resolved": place is not None and place.depth_is_resolved,
        "n_picks": len(event.picks),
        "n_used": 0 if place is None else place.n_used,
        "score": round(event.score, 3),
        "p_value": _number(event.p_value, 4),
        "magnitude": None if magnitude is None else round(magnitude.value, 3),
        "magnitude_type": None if magnitude is None else magnitude.type,
        "magnitude_error": None if magnitude is None else round(magnitude.error, 3),
        "distances_km": {station: round(km, 3) for station, km in event.distances_km.items()},
        "arrivals": [_arrival_to_dict(event, row) for row in range(len(event.picks))],
    }


def _arrival_to_dict(event: Event, row: int) -> dict[str, Any]:
    pick = event.picks[row]
    found = {} if event.location is None else {a.pick: a for a in event.location.arrivals}
    arrival = found.get(pick)
    return {
        "seed_id": pick.seed_id,
        "phase": pick.phase,
        "time": format_utc(pick.time),
        "residual_s": None if arrival is None else round(arrival.residual_s, 4),
        "distance_km": None if arrival is None else round(arrival.distance_km, 3),
        "weight": None if arrival is None else round(arrival.weight, 3),
    }


def _number(value: float, places: int) -> float | None:
    return round(float(value), places) if np.isfinite(value) else None
