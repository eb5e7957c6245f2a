"""QuakeML of picks and events, as ObsPy catalogues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.catalogue.records import CONFIDENCE, Arrival, Event, Location, Magnitude, Pick, format_utc
from selfseis.geo.sphere import KM_PER_DEGREE
from selfseis.io.obspy_import import obspy

if TYPE_CHECKING:
    from obspy import Catalog

AUTHORITY = "smi:local/selfseis"
P_SPEED_KM_S = 6.0  # of the crust: by how much an origin can be earlier than the first onset


def to_quakeml(
    events: Sequence[Event] = (), *, picks: Iterable[Pick] | None = None, detected_by: str | None = None
) -> Catalog:
    """Return events, picks, or both, as an ObsPy catalogue.

    A located event has an origin with uncertainties, picks, arrivals, amplitudes and magnitudes. An event that was
    detected on waveforms has one pick per station without a phase, and an origin at the station with the first onset if
    the stations have coordinates. Another event that is not located has no origin: its time and the reason are in a
    comment.

    Parameters
    ----------
    events : sequence of Event
        The events, with their own picks.
    picks : iterable of Pick, optional
        Picks without events. QuakeML holds picks only inside events, so they are written as one container event, with a
        comment that marks it. The same pick has the same identifier in every file.
    detected_by : str, optional
        Name of the detection method, if the events were detected on waveforms. Their interval, peak, score, p-value
        and number of channels are then in the comment.

    Returns
    -------
    obspy.Catalog
    """
    obspy()
    from obspy.core.event import Catalog

    written = [_event(event, detected_by) for event in events]
    if picks is not None:
        container = _bare_event(f"{AUTHORITY}/picks", "a container of all picks, not one event")
        container.picks = [_pick(pick) for pick in picks]
        written.append(container)
    return Catalog(written, resource_id=_identifier(f"{AUTHORITY}/catalogue"))


def _identifier(name: str) -> Any:
    """Return the identifier of an object; blanks, as in the codes of SEISAN (``S Z``), are not allowed in QuakeML."""
    from obspy.core.event import ResourceIdentifier

    return ResourceIdentifier(re.sub(r"[^\w.*()+?~'=,;#/&:-]", "_", name, flags=re.ASCII))


def _comment(text: str, name: str) -> Any:
    """Comment on the object of a name."""
    from obspy.core.event import Comment

    return Comment(text=text, resource_id=_identifier(f"{name}/comment"))


def _nanoseconds(time: np.datetime64) -> int:
    return int(time.astype("datetime64[ns]").astype(np.int64))


def _utc(time: np.datetime64) -> Any:
    from obspy import UTCDateTime

    return UTCDateTime(ns=_nanoseconds(time))


def _uncertainty(value: float, confidence: float | None = None) -> Any:
    """One-sided uncertainty, with its confidence level in percent if it is given as a share."""
    from obspy.core.event import QuantityError

    if confidence is None:
        return QuantityError(uncertainty=value)
    return QuantityError(uncertainty=value, confidence_level=100 * confidence)


def _bare_event(name: str, comment: str) -> Any:
    """Event with a comment and nothing else."""
    from obspy.core.event import CreationInfo
    from obspy.core.event import Event as QuakeMLEvent

    return QuakeMLEvent(
        resource_id=_identifier(name),
        event_type="not reported",
        comments=[_comment(comment, name)],
        creation_info=CreationInfo(agency_id="selfseis"),
    )


def _event(event: Event, detected_by: str | None) -> Any:
    from obspy.core.event import EventDescription

    name = f"{AUTHORITY}/{event.event_id}"
    written = _bare_event(name, _description(event, detected_by))
    written.event_descriptions = [EventDescription(text=event.event_id)]
    written.picks = [_pick(pick) for pick in event.picks]
    if event.location is not None:
        written.origins = [_origin(event.location, name)]
        written.preferred_origin_id = written.origins[0].resource_id
    elif event.onsets:
        _add_onsets(written, event, name)
    if event.magnitude is not None:
        _add_magnitude(written, event.magnitude, name)
    return written


def _description(event: Event, detected_by: str | None) -> str:
    """Score of an event, and its times or distances if it has no origin."""
    if detected_by is not None:
        start, end, peak = (format_utc(time, "ms") for time in (event.start, event.end, event.peak))
        return (
            f"detected by {detected_by}; not located; peak {peak}; start {start}; end {end}; "
            f"score {event.score:.3f}; p_value {event.p_value:.3g}; n_channels {event.n_channels}"
            + ("" if event.is_calibrated else "; uncalibrated: the rate of false alarms is not known")
        )
    parts = [f"score {event.score:.3f}"]
    if np.isfinite(event.p_value):
        parts.append(f"p_value {event.p_value:.3g}")
    if event.location is None:
        parts.append(f"not located: {event.reason}")
        if event.distances_km:
            distances = ", ".join(f"{station} {km:.1f} km" for station, km in event.distances_km.items())
            parts.append(f"distances from S - P: {distances}")
    elif event.reason:
        parts.append(event.reason)
    return "; ".join(parts)


def _pick(pick: Pick) -> Any:
    """Pick with its probability in a comment."""
    from obspy.core.event import Pick as QuakeMLPick
    from obspy.core.event import WaveformStreamID

    name = _pick_name(pick)
    return QuakeMLPick(
        resource_id=_identifier(name),
        time=_utc(pick.time),
        time_errors=_uncertainty(pick.sd_s),
        waveform_id=WaveformStreamID(**_stream_codes(pick.seed_id)),
        phase_hint=pick.phase,
        evaluation_mode="automatic",
        method_id=_identifier(f"{AUTHORITY}/picker"),
        comments=[_comment(f"probability {pick.probability:.4f}", name)],
    )


def _add_onsets(written: Any, event: Event, name: str) -> None:
    """Add one pick per station without a phase and, where the place is roughly known, an origin without arrivals."""
    from obspy.core.event import Origin, OriginUncertainty, WaveformStreamID
    from obspy.core.event import Pick as QuakeMLPick

    written.picks += [
        QuakeMLPick(
            resource_id=_identifier(f"{name}/onset/{onset.seed_id}"),
            time=_utc(onset.time),
            time_errors=_uncertainty(onset.sd_s),
            waveform_id=WaveformStreamID(**_stream_codes(onset.seed_id)),
            evaluation_mode="automatic",
            method_id=_identifier(f"{AUTHORITY}/detect"),
        )
        for onset in event.onsets
    ]
    if event.place is None:  # QuakeML has no origin without latitude and longitude
        return
    first = event.onsets[0]
    degrees = event.place.error_km / KM_PER_DEGREE
    origin = Origin(
        resource_id=_identifier(f"{name}/origin"),
        time=_utc(first.time),
        time_errors=_uncertainty(max(first.sd_s, event.place.error_km / P_SPEED_KM_S)),
        latitude=event.place.latitude,
        latitude_errors=_uncertainty(degrees),
        longitude=event.place.longitude,
        longitude_errors=_uncertainty(degrees / max(np.cos(np.radians(event.place.latitude)), 1e-3)),
        method_id=_identifier(f"{AUTHORITY}/detect"),
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        origin_uncertainty=OriginUncertainty(
            horizontal_uncertainty=1000 * event.place.error_km, preferred_description="horizontal uncertainty"
        ),
        comments=[
            _comment("place and time of the station with the first onset; not located", f"{name}/origin")
        ],
    )
    written.origins = [origin]
    written.preferred_origin_id = origin.resource_id


def _pick_name(pick: Pick) -> str:
    """Return the identifier of a pick, the same in every file that contains it."""
    return f"{AUTHORITY}/pick/{pick.seed_id}/{pick.phase}/{_nanoseconds(pick.time)}"


def _stream_codes(seed_id: str) -> dict[str, str]:
    codes = seed_id.split(".")
    if len(codes) != 4:  # a fibre channel has no SEED name
        return {"network_code": "XX", "station_code": seed_id}
    return dict(zip(("network_code", "station_code", "location_code", "channel_code"), codes, strict=True))


def _origin(location: Location, name: str) -> Any:
    from obspy.core.event import Origin, OriginQuality, OriginUncertainty

    east, north = np.sqrt(np.diag(location.covariance)[:2])
    used = [arrival for arrival in location.arrivals if arrival.weight > 0]
    distances = sorted(arrival.distance_km / KM_PER_DEGREE for arrival in used)
    return Origin(
        resource_id=_identifier(f"{name}/origin"),
        time=_utc(location.time),
        time_errors=_uncertainty(location.time_error_s, CONFIDENCE),
        latitude=location.latitude,
        latitude_errors=_uncertainty(north / KM_PER_DEGREE, CONFIDENCE),
        longitude=location.longitude,
        longitude_errors=_uncertainty(
            east / KM_PER_DEGREE / max(np.cos(np.radians(location.latitude)), 1e-3), CONFIDENCE
        ),
        depth=1000 * location.depth_km,
        depth_errors=_uncertainty(1000 * location.depth_error_km, CONFIDENCE),
        depth_type="from location",
        method_id=_identifier(f"{AUTHORITY}/locate"),
        evaluation_mode="automatic",
        quality=OriginQuality(
            associated_phase_count=len(location.arrivals),
            used_phase_count=len(used),
            used_station_count=len({arrival.pick.station for arrival in used}),
            standard_error=location.rms_s,
            azimuthal_gap=location.gap_deg,
            minimum_distance=distances[0],
            median_distance=float(np.median(distances)),
            maximum_distance=distances[-1],
        ),
        origin_uncertainty=OriginUncertainty(
            horizontal_uncertainty=1000 * location.horizontal_error_km,
            min_horizontal_uncertainty=1000 * location.smaller_error_km,
            max_horizontal_uncertainty=1000 * location.horizontal_error_km,
            azimuth_max_horizontal_uncertainty=location.ellipse_azimuth_deg,
            preferred_description="uncertainty ellipse",
            confidence_level=100 * CONFIDENCE,
        ),
        arrivals=[_arrival(arrival, name, row) for row, arrival in enumerate(location.arrivals)],
    )


def _arrival(arrival: Arrival, name: str, row: int) -> Any:
    from obspy.core.event import Arrival as QuakeMLArrival

    return QuakeMLArrival(
        resource_id=_identifier(f"{name}/arrival/{row}"),
        pick_id=_identifier(_pick_name(arrival.pick)),
        phase=arrival.pick.phase,
        azimuth=arrival.azimuth_deg,
        distance=arrival.distance_km / KM_PER_DEGREE,
        time_residual=arrival.residual_s,
        time_weight=arrival.weight,
    )


def _add_magnitude(written: Any, magnitude: Magnitude, name: str) -> None:
    """Add the magnitude of an event, and the amplitude and magnitude of each of its stations."""
    from obspy.core.event import Amplitude, StationMagnitude, StationMagnitudeContribution, WaveformStreamID
    from obspy.core.event import Magnitude as QuakeMLMagnitude

    origin = written.preferred_origin_id
    for row, amplitude in enumerate(magnitude.amplitudes):
        stream = WaveformStreamID(seed_string=amplitude.seed_id)
        in_metres = amplitude.is_ground_motion
        written.amplitudes.append(
            Amplitude(
                resource_id=_identifier(f"{name}/amplitude/{row}"),
                generic_amplitude=amplitude.value * (1e-9 if in_metres else 1.0),
                unit="m" if in_metres else "other",
                type="AML" if in_metres else "A",
                waveform_id=stream,
                magnitude_hint=magnitude.type,
            )
        )
        written.station_magnitudes.append(
            StationMagnitude(
                resource_id=_identifier(f"{name}/station-magnitude/{row}"),
                origin_id=origin,
                mag=magnitude.stations[amplitude.seed_id],
                station_magnitude_type=magnitude.type,
                amplitude_id=written.amplitudes[-1].resource_id,
                waveform_id=stream,
            )
        )
    written.magnitudes = [
        QuakeMLMagnitude(
            resource_id=_identifier(f"{name}/magnitude"),
            mag=magnitude.value,
            mag_errors=_uncertainty(magnitude.error),
            magnitude_type=magnitude.type,
            station_count=len(magnitude.stations),
            origin_id=origin,
            method_id=_identifier(f"{AUTHORITY}/magnitude/{magnitude.type}"),
            evaluation_mode="automatic",
            station_magnitude_contributions=[
                StationMagnitudeContribution(station_magnitude_id=of_station.resource_id)
                for of_station in written.station_magnitudes
            ],
        )
    ]
    written.preferred_magnitude_id = written.magnitudes[0].resource_id
