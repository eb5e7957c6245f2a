"""Association of picks to events with PyOcto in a search volume.

The cell sizes of PyOcto suit arrays of 60 km and more. For smaller arrays, distances and times are multiplied by the
same factor, which leaves velocities unchanged. So an array of 500 m in a mine is searched with the same relative
resolution as a regional one.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np

from selfseis.catalogue.records import PHASES, Pick
from selfseis.errors import InputError
from selfseis.locate.options import AssociationOptions
from selfseis.locate.search_volume import SearchVolume


@dataclass(frozen=True)
class AssociatedEvent:
    """Picks of one event.

    Attributes
    ----------
    picks : tuple of Pick
        At most one P and one S per station, in order of time.
    time : numpy.datetime64
        Preliminary origin time.
    """

    picks: tuple[Pick, ...]
    time: np.datetime64

    @property
    def score(self) -> float:
        """Return the sum of the probabilities of the picks, the expected number of true ones."""
        return float(sum(pick.probability for pick in self.picks))

    @property
    def stations(self) -> tuple[str, ...]:
        """Return the stations with a pick."""
        return tuple(dict.fromkeys(pick.station for pick in self.picks))


def default_min_picks(n_stations: int, options: AssociationOptions = AssociationOptions()) -> int:
    """Return the default minimum number of picks per event: a quarter of all possible ones, within 5 to 8."""
    return int(np.clip(np.ceil(options.min_pick_share * 2 * n_stations), *options.min_picks_range))


def match_tolerance(
    search_volume: SearchVolume, picks: Sequence[Pick], options: AssociationOptions = AssociationOptions()
) -> float:
    """Return the tolerance in s between observed and predicted times, from the errors of the model and of the picks."""
    model = float(
        np.clip(options.tolerance_per_crossing * search_volume.s_crossing_s, *options.tolerance_range)
    )
    if not picks:
        return model
    return float(np.hypot(model, options.tolerance_in_sds * np.median([pick.sd_s for pick in picks])))


def associate(
    picks: Sequence[Pick],
    search_volume: SearchVolume,
    *,
    min_picks: int | None = None,
    tolerance_s: float | None = None,
    options: AssociationOptions = AssociationOptions(),
) -> list[AssociatedEvent]:
    """Associate picks to events.

    Parameters
    ----------
    picks : sequence of Pick
        In any order. Picks at stations outside the table of the volume are left out.
    search_volume : SearchVolume
        Stations, volume and travel times.
    min_picks : int, optional
        Minimum number of picks per event; by default a quarter of all possible ones, within 5 to 8.
    tolerance_s : float, optional
        Tolerance between observed and predicted times; by default 6% of the S travel time across the array, combined
        with three standard deviations of the picks.
    options : AssociationOptions
        Default tolerance and number of picks, and settings of PyOcto.

    Returns
    -------
    list of AssociatedEvent
        In order of time. An event has picks at three stations at least, or at all stations if there are fewer.

    Raises
    ------
    InputError
        If PyOcto is not installed.

    References
    ----------
    Münchmeyer (2024), PyOcto: a high-throughput seismic phase associator. Seismica 3(1),
    doi:10.26443/seismica.v3i1.1130
    """
    row_of = {code: row for row, code in enumerate(search_volume.stations.codes)}
    used = [pick for pick in picks if pick.station in row_of]
    needed = default_min_picks(len(row_of), options) if min_picks is None else max(min_picks, 1)
    if len(used) < needed:  # PyOcto fails without picks
        return []
    module = _pyocto()
    tolerance = match_tolerance(search_volume, used, options) if tolerance_s is None else tolerance_s
    stretch = max(1.0, options.pyocto_aperture / search_volume.aperture_km)
    begin = min(pick.time for pick in used)
    with TemporaryDirectory() as folder:
        table = Path(folder) / "travel_times"
        reach_s = _write_table(search_volume, stretch, table, options)
        associator = _associator(module, search_volume, table, stretch, tolerance, needed, reach_s, options)
        with warnings.catch_warnings():  # of pandas, about a call in PyOcto
            warnings.filterwarnings("ignore", message="The inplace keyword", category=DeprecationWarning)
            _, assigned = associator.associate(
                _pick_table(used, begin, stretch), _station_table(search_volume, stretch)
            )
    groups: dict[int, list[Pick]] = {}
    for event, row in zip(assigned["event_idx"], assigned["pick_idx"], strict=True):
        groups.setdefault(int(event), []).append(used[int(row)])
    return _disjoint(groups.values(), needed, min(3, len(row_of)))


def _pyocto() -> ModuleType:
    try:
        import pyocto  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise InputError("association needs PyOcto, which is not installed: pip install pyocto") from error
    module: ModuleType = pyocto
    return module


def _write_table(
    search_volume: SearchVolume, stretch: float, path: Path, options: AssociationOptions
) -> float:
    """Write the travel-time table of PyOcto for a station at the median elevation; return its largest time in s."""
    top, bottom = search_volume.depth_limits
    width, depth = search_volume.times.reach_km * 1.01, bottom - top
    delta = max(depth / options.n_depth_nodes, (width * depth / options.max_table_nodes) ** 0.5)
    distances, depths = (np.arange(int(np.ceil(size / delta)) + 3) * delta for size in (width, depth))
    level = _median_station(search_volume)
    times = [
        search_volume.times(level, phase, distances[:, None], top + depths[None, :])[0] for phase in (0, 1)
    ]
    header = struct.pack("iid", len(distances), len(depths), delta * stretch)
    path.write_bytes(header + b"".join((table * stretch).tobytes() for table in times))
    return float(times[1].max())


def _median_station(search_volume: SearchVolume) -> int:
    return int(np.argsort(search_volume.stations.depth_km)[len(search_volume.stations) // 2])


def _associator(
    module: ModuleType,
    search_volume: SearchVolume,
    table: Path,
    stretch: float,
    tolerance: float,
    needed: int,
    reach_s: float,
    options: AssociationOptions,
) -> Any:
    model = module.VelocityModel1D(str(table), tolerance=tolerance * stretch)
    east, north = (
        (limits[0] * stretch, limits[1] * stretch)
        for limits in (search_volume.east_limits, search_volume.north_limits)
    )
    depth = search_volume.depth_limits[1] - search_volume.depth_limits[0]
    return module.OctoAssociator(
        xlim=east,
        ylim=north,
        zlim=(0.0, depth * stretch),
        velocity_model=model,
        time_before=reach_s * stretch,
        time_slicing=max(options.pyocto_time_slice, 4 * reach_s * stretch),
        pick_match_tolerance=2 * tolerance * stretch,
        min_interevent_time=2 * tolerance * stretch,
        min_node_size=options.pyocto_min_node,
        n_picks=needed,
        n_p_picks=0,
        n_s_picks=0,
        n_p_and_s_picks=0,
        min_pick_fraction=options.pyocto_min_pick_share,
        n_threads=1,
    )


def _pick_table(picks: Sequence[Pick], begin: np.datetime64, stretch: float) -> Any:
    import pandas as pd

    return pd.DataFrame(
        {
            "station": [pick.station for pick in picks],
            "phase": [pick.phase for pick in picks],
            "time": [float((pick.time - begin) / np.timedelta64(1, "ns")) * 1e-9 * stretch for pick in picks],
        }
    )


def _station_table(search_volume: SearchVolume, stretch: float) -> Any:
    """Stations at depth 0, as in the travel-time table; station terms account for their elevations."""
    import pandas as pd

    rows = np.arange(len(search_volume.stations))
    middle = search_volume.depth_limits[0] + 0.2 * (
        search_volume.depth_limits[1] - search_volume.depth_limits[0]
    )
    distance = 0.3 * search_volume.aperture_km
    terms = {
        f"{name.lower()}_residual": stretch
        * (
            search_volume.times(rows, phase, distance, middle)[0]
            - search_volume.times(_median_station(search_volume), phase, distance, middle)[0]
        )
        for phase, name in enumerate(PHASES)
    }
    return pd.DataFrame(
        {
            "id": list(search_volume.stations.codes),
            "x": search_volume.east_km * stretch,
            "y": search_volume.north_km * stretch,
            "z": 0.0,
            **terms,
        }
    )


def _disjoint(groups: Any, needed: int, stations: int) -> list[AssociatedEvent]:
    """Assign each pick to the event with the most picks, and drop events left with too few."""
    taken: set[Pick] = set()
    events = []
    for group in sorted(groups, key=lambda picks: (-len(picks), min(pick.time for pick in picks))):
        kept = sorted(
            (pick for pick in set(group) - taken), key=lambda pick: (pick.time, pick.seed_id, pick.phase)
        )
        if len(kept) >= needed and len({pick.station for pick in kept}) >= stations:
            taken.update(kept)
            events.append(AssociatedEvent(tuple(kept), kept[0].time))
    return sorted(events, key=lambda event: event.time)
