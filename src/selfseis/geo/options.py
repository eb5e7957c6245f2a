"""Options of positions: data that are too far away, and stations far outside an array."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.options import Options, option


@dataclass(frozen=True, kw_only=True)
class PositionOptions(Options):
    """Positions of data about a fault: exchanged coordinates, and the distance beyond which data are left out."""

    max_distance_km: float = option(1500.0, "km", "judgement: farther data do not resolve slip")
    max_distance_in_sizes: float = option(20.0, "fault sizes", "judgement: the same for a very large fault")
    min_exchanged_km: float = option(
        200.0, "km", "judgement: nearer data have the right order of coordinates"
    )
    min_exchanged_in_sizes: float = option(2.0, "fault sizes", "judgement: the same for a large fault")
    exchange_gain: float = option(5.0, "1", "judgement: exchanged coordinates are this much nearer")
    max_nearest_km: float = option(
        100.0, "km", "judgement: with the nearest datum farther off, nothing is resolved"
    )
    max_nearest_in_sizes: float = option(10.0, "fault sizes", "judgement: the same for a large fault")
    min_span_in_sizes: float = option(
        0.05, "fault sizes", "judgement: data in a smaller area have another unit"
    )


@dataclass(frozen=True, kw_only=True)
class ArrayOptions(Options):
    """Stations that belong to an array."""

    max_distance: float = option(
        4.0, "median distances", "judgement: farther from the centre, a station is far outside"
    )
