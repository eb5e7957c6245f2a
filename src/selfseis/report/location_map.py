"""A map and two sections of located events.

The page reads ``locations.json`` of a results folder; `selfseis.locate.located_catalogue` describes that file. Each
event needs latitude, longitude and depth_km; the map leaves out other values that are missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from selfseis.geo.sphere import KM_PER_DEGREE
from selfseis.report import wording
from selfseis.report.results_folder import Results, finite, known, read_json, seconds_utc
from selfseis.report.svg_plots import Axis, Plot

MAX_SIDE, MIN_SIDE = 440.0, 170.0  # sides of the map and the sections in pixels
PLAIN_RADIUS = 3.2


@dataclass(frozen=True)
class Place:
    """A point on the map or below it.

    Attributes
    ----------
    x, y, z : float
        Longitude and latitude in degrees, depth in km.
    title : str
        What it is.
    radius : float
        In pixels.
    error, smaller_error, error_azimuth : float
        Semi-axes of the ellipse of the epicentre in km, and azimuth of the larger one in degrees.
    depth_error : float
        In km.
    is_far : bool
        Whether it is a station far outside the array, which the map need not hold.
    """

    x: float
    y: float
    z: float
    title: str
    radius: float = PLAIN_RADIUS
    error: float = 0.0
    smaller_error: float = 0.0
    error_azimuth: float = 0.0
    depth_error: float = 0.0
    is_far: bool = False


def located_section(results: Results) -> dict[str, Any] | None:
    """Return the map and the sections; None where the folder has no located events.

    Parameters
    ----------
    results : Results
        The results folder; a file that cannot be read is noted in its problems.
    """
    content = read_json(results, "locations.json")
    if not isinstance(content, dict):
        return None
    stations = [place for entry in content.get("stations") or [] if (place := _station(entry))]
    entries = [entry for entry in content.get("events") or [] if isinstance(entry, dict)]
    events = [place for entry in entries if (place := _event(entry))]
    said = {
        "n_events": len(entries),
        "n_located": len(events),
        "errors": _errors(events),
        "notes": [*_clock_errors(content.get("clock_errors") or []), *(content.get("notes") or [])],
        "wadati": _wadati(content.get("wadati") or {}),
        "velocity": _velocity(content.get("velocity") or {}),
        "velocity_source": str((content.get("velocity") or {}).get("source") or ""),
        "map": None,
    }
    if not events:
        return said
    east, north, depth = _axes(events, [station for station in stations if not station.is_far])
    return said | {
        "map": _map(events, stations, east, north),
        "along_longitude": _section(events, stations, east, depth, "x"),
        "along_latitude": _section(events, stations, north, depth, "y"),
        "scale": _exaggeration(north, depth),
    }


def _axes(events: list[Place], stations: list[Place]) -> tuple[Axis, Axis, Axis]:
    """Return longitude and latitude on one scale of km, and depth on its own."""
    every = events + stations
    x, y = [place.x for place in every], [place.y for place in every]
    squeeze = max(math.cos(math.radians((min(y) + max(y)) / 2)), 0.05)
    wide, high = (max(x) - min(x)) * squeeze, max(y) - min(y)
    span = 1.1 * max(wide, high, 1e-4)
    # The shorter side keeps at least a third of the longer one, so that its labels have room.
    wide, high = max(1.1 * wide, span / 3), max(1.1 * high, span / 3)
    scale = MAX_SIDE / span
    middle_x, middle_y = (min(x) + max(x)) / 2, (min(y) + max(y)) / 2
    half_x = wide / squeeze / 2
    east = Axis.between("longitude (°)", middle_x - half_x, middle_x + half_x, wide * scale, max_ticks=4)
    north = Axis.between("latitude (°)", middle_y - high / 2, middle_y + high / 2, high * scale, max_ticks=5)
    top = min(0.0, *(place.z for place in every))
    bottom = max(max(place.z for place in every), top + 0.1)
    length = min(max((bottom - top) / KM_PER_DEGREE * scale, MIN_SIDE), MAX_SIDE)
    room = 0.04 * (bottom - top)
    return east, north, Axis.between("depth (km)", top - room, bottom + room, length, max_ticks=5)


def _map(events: list[Place], stations: list[Place], east: Axis, north: Axis) -> dict[str, Any]:
    plot = Plot(east, north, "Map of stations and located events")
    for event in events:
        if event.error > 0:
            plot.line(_ellipse(event), "error")
    plot.dots(
        [(place.x, place.y) for place in events],
        "event",
        radius=[place.radius for place in events],
        titles=[place.title for place in events],
    )
    plot.dots(
        [(place.x, place.y) for place in stations],
        "station",
        radius=6,
        titles=[place.title for place in stations],
        kind="triangle",
    )
    plot.legend += [("swatch-event", "event"), ("swatch-station", "station")]
    if any(event.error > 0 for event in events):
        plot.legend.append(("swatch-error", "68% ellipse of the epicentre"))
    return plot.to_dict()


def _section(
    events: list[Place], stations: list[Place], along: Axis, depth: Axis, name: str
) -> dict[str, Any]:
    plot = Plot(along, depth, f"Depth of located events against {along.title}", downwards=True)
    for event in events:
        at = getattr(event, name)
        plot.intervals([(at, event.z - event.depth_error, event.z + event.depth_error)], "error")
    plot.dots(
        [(getattr(place, name), place.z) for place in events],
        "event",
        radius=[place.radius for place in events],
        titles=[place.title for place in events],
    )
    plot.dots(
        [(getattr(place, name), place.z) for place in stations],
        "station",
        radius=6,
        titles=[place.title for place in stations],
        kind="triangle",
    )
    return plot.to_dict()


def _ellipse(event: Place) -> list[tuple[float, float]]:
    squeeze = max(math.cos(math.radians(event.y)), 0.05)
    azimuth = math.radians(event.error_azimuth)
    outline = []
    for number in range(33):
        angle = 2 * math.pi * number / 32
        along, across = event.error * math.cos(angle), event.smaller_error * math.sin(angle)
        east = along * math.sin(azimuth) + across * math.cos(azimuth)
        north = along * math.cos(azimuth) - across * math.sin(azimuth)
        outline.append((event.x + east / KM_PER_DEGREE / squeeze, event.y + north / KM_PER_DEGREE))
    return outline


def _wadati(wadati: dict[str, Any]) -> dict[str, Any] | None:
    """Return S - P against the travel time of P."""
    points = [
        (p, s)
        for point in wadati.get("points") or []
        if (p := finite(point.get("p_s"))) is not None and (s := finite(point.get("s_minus_p_s"))) is not None
    ]
    if not points:
        return None
    plot = Plot(
        Axis.over("travel time of P (s)", [0.0, *(p for p, _ in points)], 400),
        Axis.over("S - P (s)".replace("-", wording.MINUS), [0.0, *(s for _, s in points)], 280),
        "S - P against the travel time of P",
    )
    vp_vs = finite(wadati.get("vp_vs"))
    if vp_vs is not None:
        plot.line([(0.0, 0.0), (plot.x.high, (vp_vs - 1) * plot.x.high)], "model")
        how = "measured" if wadati.get("is_measured") else "assumed"
        plot.legend.append(("swatch-model", f"vp/vs = {wording.number(vp_vs)}, {how}"))
    plot.dots(points, "point", radius=2.6)
    plot.legend.append(("swatch-point", "a station of an event"))
    return plot.to_dict()


def _velocity(velocity: dict[str, Any]) -> dict[str, Any] | None:
    """Return the velocity model against depth."""
    columns = [[finite(value) for value in velocity.get(name) or []] for name in ("depth_km", "vp", "vs")]
    rows = [(z, p, s) for z, p, s in zip(*columns, strict=False) if None not in (z, p, s)]
    if len(rows) < 2:
        return None
    plot = Plot(
        Axis.over("velocity (km/s)", [speed for _, p, s in rows for speed in (p or 0.0, s or 0.0)], 230),
        Axis.between("depth (km)", rows[0][0] or 0.0, rows[-1][0] or 1.0, 280),
        "Velocities of P and S against depth",
        downwards=True,
    )
    for phase, column in (("P", 1), ("S", 2)):
        plot.line([(row[column] or 0.0, row[0] or 0.0) for row in rows], f"line-{phase}")
        plot.legend.append((f"swatch-{phase}", phase))
    return plot.to_dict()


def _clock_errors(faults: list[dict[str, Any]]) -> list[str]:
    sentences = []
    for fault in faults:
        station, shift = str(fault.get("station")).rstrip("."), wording.number(finite(fault.get("shift_s")))
        when = [wording.moment(seconds_utc(fault.get(end)), 0) for end in ("first", "last")]
        sentences.append(f"The clock of {station} seems wrong by {shift} s from {when[0]} to {when[1]}.")
    return sentences


def _exaggeration(north: Axis, depth: Axis) -> str:
    horizontal = north.length / ((north.high - north.low) * KM_PER_DEGREE)
    ratio = depth.length / (depth.high - depth.low) / horizontal
    if 0.9 < ratio < 1.1:
        return "Depth and distance are drawn on one scale."
    return f"Depth is drawn {wording.number(ratio, 2)} times as large as distance."


def _errors(events: list[Place]) -> str:
    across = sorted(event.error for event in events if event.error > 0)
    deep = sorted(event.depth_error for event in events if event.depth_error > 0)
    if not across or not deep:
        return ""
    middle = [wording.number(found[len(found) // 2], 2) for found in (across, deep)]
    return f"Half of the events are known to {middle[0]} km in the epicentre and {middle[1]} km in depth or better."


def _station(entry: dict[str, Any]) -> Place | None:
    latitude, longitude = finite(entry.get("latitude")), finite(entry.get("longitude"))
    if latitude is None or longitude is None:
        return None
    elevation = finite(entry.get("elevation_m")) or 0.0
    name = str(entry.get("station") or "station").rstrip(".")
    return Place(longitude, latitude, -elevation / 1000, name, is_far=bool(entry.get("far_outside")))


def _event(entry: dict[str, Any]) -> Place | None:
    latitude, longitude = finite(entry.get("latitude")), finite(entry.get("longitude"))
    depth = finite(entry.get("depth_km"))
    if latitude is None or longitude is None or depth is None:
        return None
    magnitude = finite(entry.get("magnitude"))
    facts = [wording.moment(seconds_utc(entry.get("time")), 2), f"depth {wording.number(depth)} km"]
    if magnitude is not None:
        kind = str(entry.get("magnitude_type") or "magnitude")
        facts.append(f"{kind} {wording.number(magnitude, 2)}")
    error = known(finite(entry.get("horizontal_error_km")), 0.0)
    return Place(
        longitude,
        latitude,
        depth,
        ", ".join(facts),
        PLAIN_RADIUS if magnitude is None else min(max(2.0 + 1.6 * (magnitude + 0.5), 2.0), 14.0),
        error,
        known(finite(entry.get("smaller_error_km")), error),
        known(finite(entry.get("ellipse_azimuth_deg")), 0.0),
        known(finite(entry.get("depth_error_km")), 0.0),
    )
