"""Reader of arrivals in all formats: recognition by contents, station positions, and screening."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from selfseis.errors import InputError
from selfseis.geo.station_files import StationList
from selfseis.quality_log import QualityLog
from selfseis.tomography import bulletins
from selfseis.tomography.arrivals import Screening, screen, table_of
from selfseis.tomography.fmtomo import find_fmtomo, read_fmtomo
from selfseis.tomography.obspy_catalogues import OWN_CATALOGUE, read_catalogue
from selfseis.tomography.options import ScreeningOptions

Rows = Iterator[dict[str, Any]]
Reader = Callable[[str, QualityLog, str], Rows]
_TEXTS: tuple[tuple[Callable[[str], bool], Reader], ...] = (
    (bulletins.is_isc_csv, bulletins.read_isc_csv),
    (bulletins.is_event_blocks, bulletins.read_event_blocks),
    (bulletins.is_table, bulletins.read_table),
)
_FORMATS = (
    "QuakeML (or another catalogue that ObsPy reads), the ISC's CSV of arrivals, ISC or EHB blocks, FMTOMO picks, "
    "the folder of a selfseis catalogue, or CSV with the columns event_id, event_time, event_latitude, "
    "event_longitude, event_depth_km, station, phase, travel_time_s, sigma_s"
)


def read_arrivals(
    path: Path | str,
    stations: Path | str | None = None,
    *,
    options: ScreeningOptions = ScreeningOptions(),
) -> Screening:
    """Read arrivals and add the positions of their stations.

    Parameters
    ----------
    path : Path or str
        File or folder of arrivals.
    stations : Path or str, optional
        List of stations; not needed if the arrivals have station coordinates (ISC, FMTOMO).
    options : ScreeningOptions
        Noise where the file states none.

    Returns
    -------
    Screening
        Usable arrivals, with omissions and assumptions in the quality log.

    Raises
    ------
    InputError
        If the format is unknown or no arrival is usable.
    """
    place, quality_log = Path(path), QualityLog()
    if not place.exists():
        raise InputError(f"{place} does not exist: check the path given as --arrivals")
    listed = None if stations is None else StationList.from_file(stations, quality_log)
    table = table_of(_rows(place, quality_log))
    if listed is not None:
        table = listed.place(table)
    elif len(table) and table["station_latitude"].isna().all():
        raise InputError(f"{place} has no station coordinates: give --stations")
    _refuse_swapped(table, place)
    return screen(table, quality_log, str(place), options=options)


def _rows(place: Path, quality_log: QualityLog) -> Rows:
    if station_files := find_fmtomo(place):
        for file in station_files:
            yield from read_fmtomo(file, quality_log)
        return
    if place.is_dir():
        place = place / OWN_CATALOGUE
        if not place.is_file():
            raise InputError(f"{place.parent} holds no {OWN_CATALOGUE} and no FMTOMO picks: give {_FORMATS}")
    text = place.read_text(encoding="utf-8-sig", errors="replace")
    reader = next((read for recognises, read in _TEXTS if recognises(text)), None)
    rows = reader(text, quality_log, str(place)) if reader else read_catalogue(place, quality_log)
    if rows is None:
        raise InputError(f"{place} has an unknown format: give {_FORMATS}")
    yield from rows


def _refuse_swapped(table: pd.DataFrame, place: Path) -> None:
    """Raise an error if most latitudes are beyond the poles, because they are longitudes then."""
    for kind in ("event", "station"):
        latitude, longitude = table[f"{kind}_latitude"].abs(), table[f"{kind}_longitude"].abs()
        beyond = (latitude > 90) & (longitude <= 90)
        if beyond.sum() > 0.5 * max(int(latitude.notna().sum()), 1):
            raise InputError(
                f"latitude and longitude of the {kind}s of {place} are swapped: latitudes reach "
                f"{latitude.max():g}; swap the columns"
            )
