"""Magnitudes: local if the ground motion is known, relative otherwise.

The local magnitude is the standard ML of IASPEI, that is, the scale of Hutton and Boore for southern California with
the amplitude in nm:

    ML = log10 A + 1.11 log10 R + 0.00189 R - 2.09

Here A is the largest amplitude in nm of a Wood-Anderson seismograph of gain 1 on the horizontals, and R the hypocentral
distance in km. Attenuation may differ in other regions, with an error of a few tenths.

The relative magnitude applies the same correction for distance to amplitudes in the units of the recording. The median
difference of a station from the magnitudes of the events removes its gain and site effect. The median event has
magnitude 0. Differences between events are comparable with those of ML; the absolute level is arbitrary.

References
----------
Hutton and Boore (1987), The ML scale in southern California. BSSA 77, 2074-2094, doi:10.1785/BSSA0770062074
Bormann and Dewey (2014), The new IASPEI standards for determining magnitudes, doi:10.2312/GFZ.NMSOP-2_IS_3.3
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from selfseis.catalogue.records import Amplitude, Magnitude
from selfseis.locate.options import MagnitudeOptions
from selfseis.typing import FloatArray, IndexArray

MIN_DISTANCE_KM = 0.01  # keeps the logarithm finite


def distance_correction(distance_km: npt.ArrayLike) -> FloatArray:
    """Return the correction of log10 amplitude for hypocentral distance, 0 at 100 km."""
    r = np.maximum(np.asarray(distance_km, float), MIN_DISTANCE_KM)
    return 1.11 * np.log10(r / 100) + 0.00189 * (r - 100)


def local_magnitude(
    amplitudes: Sequence[Amplitude],
    distances_km: Mapping[str, float],
    options: MagnitudeOptions = MagnitudeOptions(),
) -> Magnitude | None:
    """Compute the local magnitude of one event.

    Parameters
    ----------
    amplitudes : sequence of Amplitude
        Amplitudes that are not ground motion, or have no known distance, are left out.
    distances_km : mapping
        Hypocentral distance by station.
    options : MagnitudeOptions
        Errors of magnitudes of few stations.

    Returns
    -------
    Magnitude or None
        None without an amplitude of ground motion at a known distance.
    """
    used = [a for a in amplitudes if a.is_ground_motion and a.station in distances_km]
    if not used:
        return None
    level = float(1.11 * np.log10(100) + 0.00189 * 100 - 2.09)
    values = {
        a.seed_id: float(np.log10(a.value) + distance_correction(distances_km[a.station]) + level)
        for a in used
    }
    middle, error = _median_and_error(np.array(list(values.values())), options)
    return Magnitude(middle, "ML", error, values, tuple(used))


def relative_magnitudes(
    amplitudes: Sequence[Sequence[Amplitude]],
    distances_km: Sequence[Mapping[str, float]],
    options: MagnitudeOptions = MagnitudeOptions(),
) -> list[Magnitude | None]:
    """Compute the relative magnitudes of the events of a catalogue.

    Parameters
    ----------
    amplitudes : sequence of sequences of Amplitude
        Amplitudes by event.
    distances_km : sequence of mappings
        Hypocentral distance by station, for each event.
    options : MagnitudeOptions
        Rounds of the median polish, and errors of magnitudes of few stations.

    Returns
    -------
    list of Magnitude or None
        None for events without an amplitude at a known distance.
    """
    used = [
        [a for a in of_event if a.station in distance]
        for of_event, distance in zip(amplitudes, distances_km, strict=True)
    ]
    rows = [
        (event, a.station, float(np.log10(a.value) + distance_correction(distances_km[event][a.station])))
        for event, of_event in enumerate(used)
        for a in of_event
    ]
    if not rows:
        return [None] * len(used)
    event_of = np.array([row[0] for row in rows])
    names = sorted({row[1] for row in rows})
    station_of = np.array([names.index(row[1]) for row in rows])
    raw = np.array([row[2] for row in rows])
    events, terms = np.zeros(len(used)), np.zeros(len(names))
    for _ in range(options.n_rounds):  # alternate medians of events and stations (median polish of Tukey)
        events = _medians(raw - terms[station_of], event_of, len(used))
        terms = _medians(raw - events[event_of], station_of, len(names))
    events = _medians(raw - terms[station_of], event_of, len(used))
    level = float(np.median(events[np.unique(event_of)]))
    single = raw - terms[station_of] - level
    found: list[Magnitude | None] = []
    for event, of_event in enumerate(used):
        of_stations = single[event_of == event]
        if not len(of_stations):
            found.append(None)
            continue
        middle, error = _median_and_error(of_stations, options)
        by_channel = {a.seed_id: float(value) for a, value in zip(of_event, of_stations, strict=True)}
        found.append(Magnitude(middle, "Mrel", error, by_channel, tuple(of_event)))
    return found


def _medians(values: FloatArray, group: IndexArray, n: int) -> FloatArray:
    return np.array([np.median(values[group == row]) if np.any(group == row) else 0.0 for row in range(n)])


def _median_and_error(values: FloatArray, options: MagnitudeOptions) -> tuple[float, float]:
    middle = float(np.median(values))
    if len(values) < 3:
        return middle, options.single_station_error / len(values) ** 0.5
    scatter = 1.4826 * float(np.median(np.abs(values - middle)))
    return middle, float(1.2533 * max(scatter, options.min_scatter) / len(values) ** 0.5)
