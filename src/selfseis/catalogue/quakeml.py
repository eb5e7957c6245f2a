"""Located events as QuakeML, for ObsPy and all that reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.catalogue.records import CONFIDENCE, Event, Location, Magnitude, Pick, iso_milliseconds
from selfseis.io.obspy_import import obspy

if TYPE_CHECKING:
    from obspy import Catalog

    from selfseis.catalogue.records import LocatedEvent


KM_PER_DEGREE = 111.195
METHOD = "smi:local/selfseis/locate"


def located_to_quakeml(events: Sequence[LocatedEvent]) -> Catalog:
    """Return events as an ObsPy catalogue: origins with uncertainties, picks, arrivals, amplitudes, magnitudes.

    An event that is not located has picks and a comment that says why, and no origin: QuakeML has none without a place.
    """
    obspy()
    from obspy.core.event import Catalog, ResourceIdentifier

    return Catalog(
        [_event(event) for event in events], resource_id=ResourceIdentifier("smi:local/selfseis/catalogue")
    )


def _event(event: LocatedEvent) -> Any:
    from obspy.core.event import CreationInfo, EventDescription, ResourceIdentifier
    from obspy.core.event import Event as QuakeMLEvent

    name = f"smi:local/selfseis/{event.event_id}"
    written = QuakeMLEvent(
        resource_id=ResourceIdentifier(name),
        event_type="not reported",
        event_descriptions=[EventDescription(text=event.event_id)],
        creation_info=CreationInfo(agency_id="selfseis"),
    )
    words = f"score {event.score:.3f}"
    if np.isfinite(event.p_value):
        words += f"; p_value {event.p_value:.3g}"
    if event.location is None:
        distances = ", ".join(f"{station} {km:.1f} km" for station, km in event.distances_km.items())
        words += f"; not located: {event.reason}"
        words += f"; distances from S - P: {distances}" if distances else ""
    elif event.reason:
        words += f"; {event.reason}"
    written.comments = [_comment(words, name)]
    written.picks = [quakeml_pick(pick) for pick in event.picks]
    if event.location is not None:
        written.origins = [_origin(event.location, name)]
        written.preferred_origin_id = written.origins[0].resource_id
    if event.magnitude is not None:
        _add_magnitude(written, event.magnitude, name)
    return written


def _comment(words: str, name: str) -> Any:
    from obspy.core.event import Comment, ResourceIdentifier

    return Comment(text=words, resource_id=ResourceIdentifier(f"{name}/comment"))


def _origin(place: Location, name: str) -> Any:
    from obspy import UTCDateTime
    from obspy.core.event import (
        Origin,
        OriginQuality,
        OriginUncertainty,
        QuantityError,
        ResourceIdentifier,
    )

    east, north = np.sqrt(np.diag(place.covariance)[:2])
    used = [arrival for arrival in place.arrivals if arrival.weight > 0]
    distances = sorted(arrival.distance_km / KM_PER_DEGREE for arrival in used)
    percent = 100 * CONFIDENCE
    return Origin(
        resource_id=ResourceIdentifier(f"{name}/origin"),
        time=UTCDateTime(ns=int(place.time.astype("datetime64[ns]").astype(np.int64))),
        time_errors=QuantityError(uncertainty=place.time_error_s, confidence_level=percent),
        latitude=place.latitude,
        latitude_errors=QuantityError(uncertainty=north / KM_PER_DEGREE, confidence_level=percent),
        longitude=place.longitude,
        longitude_errors=QuantityError(
            uncertainty=east / KM_PER_DEGREE / max(np.cos(np.radians(place.latitude)), 1e-3),
            confidence_level=percent,
        ),
        depth=1000 * place.depth_km,
        depth_errors=QuantityError(uncertainty=1000 * place.depth_error_km, confidence_level=percent),
        depth_type="from location",
        method_id=ResourceIdentifier(METHOD),
        evaluation_mode="automatic",
        quality=OriginQuality(
            associated_phase_count=len(place.arrivals),
            used_phase_count=len(used),
            used_station_count=len({arrival.pick.station for arrival in used}),
            standard_error=place.rms_s,
            azimuthal_gap=place.gap_deg,
            minimum_distance=distances[0],
            median_distance=float(np.median(distances)),
            maximum_distance=distances[-1],
        ),
        origin_uncertainty=OriginUncertainty(
            horizontal_uncertainty=1000 * place.horizontal_error_km,
            min_horizontal_uncertainty=1000 * place.smaller_error_km,
            max_horizontal_uncertainty=1000 * place.horizontal_error_km,
            azimuth_max_horizontal_uncertainty=place.ellipse_azimuth_deg,
            preferred_description="uncertainty ellipse",
            confidence_level=percent,
        ),
        arrivals=[_arrival(arrival, name, row) for row, arrival in enumerate(place.arrivals)],
    )


def _arrival(arrival: Any, name: str, row: int) -> Any:
    from obspy.core.event import Arrival, ResourceIdentifier

    return Arrival(
        resource_id=ResourceIdentifier(f"{name}/arrival/{row}"),
        pick_id=ResourceIdentifier(resource_of(arrival.pick)),
        phase=arrival.pick.phase,
        azimuth=arrival.azimuth_deg,
        distance=arrival.distance_km / KM_PER_DEGREE,
        time_residual=arrival.residual_s,
        time_weight=arrival.weight,
    )


def _add_magnitude(written: Any, magnitude: Magnitude, name: str) -> None:
    from obspy.core.event import (
        Amplitude,
        QuantityError,
        ResourceIdentifier,
        StationMagnitude,
        StationMagnitudeContribution,
        WaveformStreamID,
    )
    from obspy.core.event import Magnitude as QuakeMLMagnitude

    origin = written.preferred_origin_id
    for row, amplitude in enumerate(magnitude.amplitudes):
        stream = WaveformStreamID(seed_string=amplitude.seed_id)
        known = amplitude.is_ground_motion
        written.amplitudes.append(
            Amplitude(
                resource_id=ResourceIdentifier(f"{name}/amplitude/{row}"),
                generic_amplitude=amplitude.value * (1e-9 if known else 1.0),
                unit="m" if known else "other",
                type="AML" if known else "A",
                waveform_id=stream,
                magnitude_hint=magnitude.type,
            )
        )
        written.station_magnitudes.append(
            StationMagnitude(
                resource_id=ResourceIdentifier(f"{name}/station-magnitude/{row}"),
                origin_id=origin,
                mag=magnitude.stations[amplitude.seed_id],
                station_magnitude_type=magnitude.type,
                amplitude_id=written.amplitudes[-1].resource_id,
                waveform_id=stream,
            )
        )
    written.magnitudes = [
        QuakeMLMagnitude(
            resource_id=ResourceIdentifier(f"{name}/magnitude"),
            mag=magnitude.value,
            mag_errors=QuantityError(uncertainty=magnitude.error),
            magnitude_type=magnitude.type,
            station_count=len(magnitude.stations),
            origin_id=origin,
            method_id=ResourceIdentifier(f"smi:local/selfseis/magnitude/{magnitude.type}"),
            evaluation_mode="automatic",
            station_magnitude_contributions=[
                StationMagnitudeContribution(station_magnitude_id=one.resource_id)
                for one in written.station_magnitudes
            ],
        )
    ]
    written.preferred_magnitude_id = written.magnitudes[0].resource_id


def picks_to_quakeml(picks: Iterable[Pick]) -> Catalog:
    """Return picks as an ObsPy catalogue of one event without an origin.

    QuakeML has no place for a pick but in an event. The one event here is a container and says so; the events that
    the picks belong to are in the catalogue of located events, which repeats the picks with the same identifiers.
    """
    obspy()
    from obspy.core.event import Catalog, Comment, CreationInfo, Event, ResourceIdentifier

    container = Event(
        resource_id=ResourceIdentifier("smi:local/selfseis/picks"),
        event_type="not reported",
        comments=[
            Comment(
                text="a container of all picks, not one event",
                resource_id=ResourceIdentifier("smi:local/selfseis/picks/comment"),
            )
        ],
        creation_info=CreationInfo(agency_id="selfseis"),
    )
    container.picks = [quakeml_pick(pick) for pick in picks]
    return Catalog([container], resource_id=ResourceIdentifier("smi:local/selfseis/catalogue"))


def quakeml_pick(pick: Pick) -> Any:
    """Return a pick as an ``obspy.core.event.Pick``, with its probability in a comment."""
    obspy()
    from obspy import UTCDateTime
    from obspy.core.event import Comment, QuantityError, ResourceIdentifier, WaveformStreamID
    from obspy.core.event import Pick as QuakeMLPick

    identifier = resource_of(pick)
    return QuakeMLPick(
        resource_id=ResourceIdentifier(identifier),
        time=UTCDateTime(ns=int(pick.time.astype("datetime64[ns]").astype(np.int64))),
        time_errors=QuantityError(uncertainty=pick.sd_s),
        waveform_id=WaveformStreamID(**_stream_codes(pick.seed_id)),
        phase_hint=pick.phase,
        evaluation_mode="automatic",
        method_id=ResourceIdentifier("smi:local/selfseis/picker"),
        comments=[
            Comment(
                text=f"probability {pick.probability:.4f}",
                resource_id=ResourceIdentifier(f"{identifier}/comment"),
            )
        ],
    )


def resource_of(pick: Pick) -> str:
    """Return the QuakeML identifier of a pick, which is the same in every file that holds it."""
    nanoseconds = int(pick.time.astype("datetime64[ns]").astype(np.int64))
    return f"smi:local/selfseis/pick/{pick.seed_id}/{pick.phase}/{nanoseconds}"


def _stream_codes(seed_id: str) -> dict[str, str]:
    codes = seed_id.split(".")
    if len(codes) != 4:  # a channel of a fibre has no SEED name
        return {"network_code": "XX", "station_code": seed_id}
    return dict(zip(("network_code", "station_code", "location_code", "channel_code"), codes, strict=True))


def detections_to_quakeml(events: list[Event], method: str) -> Catalog:
    """Return the events as an ObsPy catalogue.

    QuakeML has no event without an origin that readers agree on, and these are not located: the time of the
    highest score is kept in a comment, with the interval, score and p-value.
    """
    obspy()
    from obspy.core.event import Catalog, Comment, CreationInfo, EventDescription, ResourceIdentifier
    from obspy.core.event import Event as QuakeMLEvent

    catalogue = Catalog(resource_id=ResourceIdentifier("smi:local/selfseis/catalogue"))
    for event in events:
        text = (
            f"detected by {method}; not located; peak {iso_milliseconds(event.peak)}; start {iso_milliseconds(event.start)}; "
            f"end {iso_milliseconds(event.end)}; score {event.score:.3f}; p_value {event.p_value:.3g}; "
            f"n_channels {event.n_channels}"
        )
        identifier = ResourceIdentifier(f"smi:local/selfseis/{event.event_id}")
        catalogue.append(
            QuakeMLEvent(
                resource_id=identifier,
                event_type="not reported",
                event_descriptions=[EventDescription(text=event.event_id)],
                comments=[Comment(text=text, resource_id=ResourceIdentifier(f"{identifier.id}/comment"))],
                creation_info=CreationInfo(agency_id="selfseis"),
            )
        )
    return catalogue
