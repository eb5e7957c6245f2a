"""Local magnitude where ground motion is known, relative magnitude where it is not.

Local (IASPEI's standard ML, which is Hutton and Boore's for southern California with the amplitude in nm):

    ML = log10 A + 1.11 log10 R + 0.00189 R - 2.09

with the largest amplitude A in nm of a Wood-Anderson seismograph of gain 1 on the horizontals and the hypocentral
distance R in km. Attenuation elsewhere may differ: a few tenths are to be expected.

Relative: the same correction for distance, with A in whatever the records are in. Each station's gain and site are
taken out by its median difference from the event's magnitude, and the median event has magnitude 0. Differences mean
what differences of ML mean; the level means nothing.

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
from selfseis.typing import FloatArray, IndexArray

NEAREST_KM = 0.01
ROUNDS = 20
SINGLE_STATION_ERROR = 0.3  # what stations scatter about an event's magnitude, where one alone cannot say


def distance_correction(distance_km: npt.ArrayLike) -> FloatArray:
    """Return what is added to the logarithm of an amplitude for its hypocentral distance, 0 at 100 km."""
    r = np.maximum(np.asarray(distance_km, float), NEAREST_KM)
    return 1.11 * np.log10(r / 100) + 0.00189 * (r - 100)


def local_magnitude(amplitudes: Sequence[Amplitude], distances_km: Mapping[str, float]) -> Magnitude | None:
    """Local magnitude of one event.

    Parameters
    ----------
    amplitudes : sequence of Amplitude
        Those that are no ground motion, or whose distance is not known, are left out.
    distances_km : mapping
        Hypocentral distance by station.
    """
    used = [a for a in amplitudes if a.is_ground_motion and a.station in distances_km]
    if not used:
        return None
    level = float(1.11 * np.log10(100) + 0.00189 * 100 - 2.09)
    values = {
        a.seed_id: float(np.log10(a.value) + distance_correction(distances_km[a.station]) + level)
        for a in used
    }
    middle, error = _median_and_error(np.array(list(values.values())))
    return Magnitude(middle, "ML", error, values, tuple(used))


def relative_magnitudes(
    amplitudes: Sequence[Sequence[Amplitude]], distances_km: Sequence[Mapping[str, float]]
) -> list[Magnitude | None]:
    """Relative magnitudes of the events of a catalogue.

    Parameters
    ----------
    amplitudes : sequence of sequences of Amplitude
        By event.
    distances_km : sequence of mappings
        By event: hypocentral distance by station.

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
    for _ in range(ROUNDS):  # medians of events and stations in turn (Tukey's median polish)
        events = _medians(raw - terms[station_of], event_of, len(used))
        terms = _medians(raw - events[event_of], station_of, len(names))
    events = _medians(raw - terms[station_of], event_of, len(used))
    level = float(np.median(events[np.unique(event_of)]))
    single = raw - terms[station_of] - level
    found: list[Magnitude | None] = []
    for event, of_event in enumerate(used):
        mine = single[event_of == event]
        if not len(mine):
            found.append(None)
            continue
        middle, error = _median_and_error(mine)
        by_channel = {a.seed_id: float(value) for a, value in zip(of_event, mine, strict=True)}
        found.append(Magnitude(middle, "Mrel", error, by_channel, tuple(of_event)))
    return found


def _medians(values: FloatArray, group: IndexArray, n: int) -> FloatArray:
    return np.array([np.median(values[group == row]) if np.any(group == row) else 0.0 for row in range(n)])


def _median_and_error(values: FloatArray) -> tuple[float, float]:
    middle = float(np.median(values))
    if len(values) < 3:
        return middle, SINGLE_STATION_ERROR / len(values) ** 0.5
    scatter = 1.4826 * float(np.median(np.abs(values - middle)))
    return middle, float(1.2533 * max(scatter, 0.05) / len(values) ** 0.5)
