"""Reader of arrivals in the catalogue formats of ObsPy: QuakeML, ISF, NORDIC, hypoDD and others."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfseis.io.obspy_import import obspy
from selfseis.quality_log import QualityLog

OWN_CATALOGUE = "catalogue.xml"


def read_catalogue(path: Path, quality_log: QualityLog) -> Iterator[dict[str, Any]] | None:
    """Return rows of the arrivals of each event, or else its picks; None if ObsPy cannot read the file.

    The arrivals are those of the preferred origin, or of the origin that has most if that has none.
    """
    module = obspy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            catalogue = module.read_events(str(path))
        except Exception:  # plugins raise various errors on files of other formats
            return None
    return _rows(catalogue, str(path), quality_log)


def _rows(catalogue: Any, source: str, quality_log: QualityLog) -> Iterator[dict[str, Any]]:
    for event in catalogue:
        name = str(event.resource_id).split("/")[-1]
        origin = _origin(event)
        if origin is None or origin.time is None:
            detail = "events without an origin time: their picks give no travel times"
            quality_log.add("no_location", f"{source}: event {name}", detail, max(len(event.picks), 1))
            continue
        for pick, phase in _picked(event, origin):
            stream = pick.waveform_id
            codes = (stream.network_code, stream.station_code) if stream else ("", "")
            yield {
                "event_id": name,
                "event_time": origin.time.datetime,
                "event_latitude": origin.latitude,
                "event_longitude": origin.longitude,
                "event_depth_km": None if origin.depth is None else origin.depth / 1000,
                "station": ".".join(code for code in codes if code),
                "phase": phase,
                "travel_time_s": float(pick.time - origin.time),
                "sigma_s": pick.time_errors.uncertainty if pick.time_errors else None,
            }


def _origin(event: Any) -> Any:
    """Return the origin of the travel times: the preferred one, or that with the most arrivals if it has none."""
    picks = {str(pick.resource_id) for pick in event.picks}

    def n_arrivals(origin: Any) -> int:
        return sum(str(arrival.pick_id) in picks for arrival in origin.arrivals)

    preferred = event.preferred_origin() or next(iter(event.origins), None)
    if preferred is not None and n_arrivals(preferred):
        return preferred
    best = max(event.origins, key=n_arrivals, default=None)
    return best if best is not None and n_arrivals(best) else preferred


def _picked(event: Any, origin: Any) -> Iterator[tuple[Any, str]]:
    """Yield picks with their phases, without picks that the location left out (weight 0)."""
    picks = {str(pick.resource_id): pick for pick in event.picks}
    arrivals = [arrival for arrival in origin.arrivals if str(arrival.pick_id) in picks]
    if not arrivals:
        yield from ((pick, pick.phase_hint or "") for pick in event.picks if pick.time is not None)
        return
    for arrival in arrivals:
        pick = picks[str(arrival.pick_id)]
        if pick.time is not None and arrival.time_weight != 0:
            yield pick, arrival.phase or pick.phase_hint or ""
