"""Reader of static displacements of GNSS sites: CSV, or the ``static_data.json`` of the USGS."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.io.tables import METRES, is_number, number_of, numbers, read_columns, read_text, required
from selfseis.quality_log import QualityLog
from selfseis.slip.displacements import checked_sds, metres_per_unit, without_codes, without_strays
from selfseis.slip.options import ReadingOptions
from selfseis.typing import FloatArray

USGS_UNIT_M = 0.01  # static_data.json is in centimetres
COMPONENTS = {"E": 0, "N": 1, "Z": 2, "U": 2}
AXES = {
    "e": ("east", ("dx", "ux", "ew")),
    "n": ("north", ("dy", "uy", "ns")),
    "u": ("up", ("dz", "uz", "ud", "z", "vertical", "vert")),
}
MOVED = (
    "{0}_m",
    "d{0}",
    "u{0}",
    "v{0}",
    "d_{0}",
    "disp_{0}",
    "{0}_disp",
    "{1}",
    "{1}_m",
    "d_{1}",
    "{1}_disp",
    "{0}_offset",
    "{1}_offset",
)
ERRORS = (
    "sigma_{0}", "sig_{0}", "sig{0}", "sd{0}", "{0}_sd", "{0}_sigma", "err_{0}", "{0}_err", "s_{0}", "std_{0}",
    "{0}_std", "{1}_sd", "{1}_sigma", "sigma_{1}", "err_{1}", "{1}_err",
)  # fmt: skip
ALIASES = {
    "site": ("name", "station", "sta", "id", "code", "site_id", "stn", "site_name", "station_name"),
    "lon": ("longitude", "long", "x", "lon_deg", "site_lon"),
    "lat": ("latitude", "y", "lat_deg", "site_lat"),
    **{
        axis: (*(form.format(axis, word) for form in MOVED), *others) for axis, (word, others) in AXES.items()
    },
    **{f"s{axis}": tuple(form.format(axis, word) for form in ERRORS) for axis, (word, _) in AXES.items()},
}
BARE = ("site", "lon", "lat", "e", "n", "u", "se", "sn", "su")


@dataclass(frozen=True)
class Gnss:
    """Displacements of GNSS sites.

    Attributes
    ----------
    site : list of str
    longitude, latitude : ndarray, shape (n_sites,)
    displacement : ndarray, shape (n_sites, 3)
        East, north, up in m; NaN where a component is missing.
    sd : ndarray, shape (n_sites, 3)
        Standard deviation in m.
    by_position : bool
        Whether the file has no header, so that its first coordinate could also be the latitude.
    """

    site: list[str]
    longitude: FloatArray
    latitude: FloatArray
    displacement: FloatArray
    sd: FloatArray
    by_position: bool = False

    def __len__(self) -> int:
        return len(self.site)

    def take(self, rows: NDArray[Any]) -> Gnss:
        """Return selected sites, by mask or by number."""
        chosen = np.arange(len(self))[rows]
        return Gnss(
            [self.site[row] for row in chosen], self.longitude[chosen], self.latitude[chosen],
            self.displacement[chosen], self.sd[chosen], self.by_position,
        )  # fmt: skip


def read_gnss(
    path: str | Path,
    quality_log: QualityLog | None = None,
    options: ReadingOptions = ReadingOptions(),
    *,
    unit: str | None = None,
    max_displacement_m: float | None = None,
) -> Gnss:
    """Read displacements of GNSS sites, and correct or mask faulty entries.

    Parameters
    ----------
    path : str or Path
        CSV with the columns ``site, lon, lat, e, n, u, se, sn, su`` in m (names in any case, common spellings), or
        ``static_data.json`` of the USGS (centimetres). Without a header: the same columns, in which the site may be
        the first, the last or missing, u and the errors may be missing, or the columns of GMT's velocities.
    quality_log : QualityLog, optional
        Log of masks and assumptions.
    options : ReadingOptions
    unit : {"m", "cm", "mm"}, optional
        Unit of the displacements and errors of a table; by default that of the header, or metres where these are
        possible.
    max_displacement_m : float, optional
        Largest possible displacement in m; by default that of the options.

    Returns
    -------
    Gnss

    Raises
    ------
    InputError
        If the file holds no usable site, or if its unit is in doubt.
    """
    path = Path(path)
    quality_log = QualityLog() if quality_log is None else quality_log
    max_m = options.max_displacement_m if max_displacement_m is None else max_displacement_m
    if path.suffix.lower() == ".json":
        gnss = _from_usgs(path)
        cleaned = without_codes(gnss.displacement, path.name, quality_log)
        gnss = replace(gnss, displacement=without_strays(cleaned, max_m, path.name, quality_log))
    else:
        gnss = _from_table(path, quality_log, unit, max_m, options)
    gnss = _without_bad_rows(gnss, path.name, quality_log)
    gnss = _with_positive_sds(gnss, path.name, quality_log, options)
    return _merged(gnss, path.name, quality_log, options.same_place_degrees)


def _from_table(
    path: Path, quality_log: QualityLog, unit: str | None, max_m: float, options: ReadingOptions
) -> Gnss:
    table = read_columns(path, ALIASES, _bare, quality_log)
    columns = table.cells
    required(columns, ("lon", "lat", "e", "n"), path)
    n = len(columns["lon"])
    nothing = [""] * n
    moved, errors = (
        np.stack([numbers(columns.get(name, nothing)) for name in names], axis=1)
        for names in (BARE[3:6], BARE[6:])
    )
    moved = without_codes(moved, path.name, quality_log)
    errors = checked_sds(without_codes(errors, path.name, quality_log, "errors"), path)
    stated = {name: METRES.get(unit, np.nan) if unit else table.metres.get(name, np.nan) for name in BARE[3:]}
    if table.unit_in_words and not unit and not table.metres:
        quality_log.add("assumed", path.name, f"its comments say {table.unit_in_words}: read so", n)
        stated = dict.fromkeys(BARE[3:], METRES[table.unit_in_words])
    factors = np.array([stated[name] for name in BARE[3:]])
    if np.isfinite(factors[:2]).all():
        # Columns without a stated unit are in the unit of the displacements.
        factors = np.where(np.isfinite(factors), factors, factors[0])
        moved = without_strays(moved * factors[:3], max_m, path.name, quality_log)
        _check_stated(moved, max_m, path, is_sure=unit is not None)
        displacement, sd = moved, errors * factors[3:]
    else:
        moved = without_strays(moved, max_m, path.name, quality_log)
        factor, name = metres_per_unit(moved, errors, path, "--gnss-unit", max_m, options)
        if factor != 1:
            quality_log.add(
                "assumed", path.name, f"displacements cannot be metres (largest {np.nanmax(np.abs(moved)):.4g}, "
                f"typical error {_median(errors):.3g}): read as {name}", n,
            )  # fmt: skip
        displacement, sd = moved * factor, errors * factor
    site = columns.get("site", [f"site {row + 1}" for row in range(n)])
    return Gnss(
        site, numbers(columns["lon"]), numbers(columns["lat"]), displacement, sd, not table.has_header
    )


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _check_stated(displacement: FloatArray, max_m: float, path: Path, *, is_sure: bool) -> None:
    """Refuse a unit in a header that makes displacements impossible; the user's own statement is taken."""
    largest = float(np.nanmax(np.abs(displacement), initial=0.0))
    if largest > max_m and not is_sure:
        raise InputError(
            f"{path.name}: displacements of {largest:.4g} m, in the unit of its header, are impossible for this fault "
            f"(at most {max_m:.3g} m): correct the unit, or state it with --gnss-unit"
        )


def _bare(row: list[str]) -> tuple[str, ...]:
    """Return the columns of a file without header, from the number of cells and the position of the site names.

    Raises
    ------
    InputError
        If they could have several meanings.
    """
    moved = {4: BARE[1:5], 5: BARE[1:6], 8: BARE[1:]}
    n_numbers = sum(is_number(cell) for cell in row)
    if n_numbers == len(row) - 1 and not is_number(row[-1]) and n_numbers == 7:
        # as GMT draws velocities, with the correlation of east and north before the name
        return ("lon", "lat", "e", "n", "se", "sn", "correlation", "site")
    if n_numbers == len(row) and n_numbers in moved:
        return moved[n_numbers]
    if n_numbers == len(row) - 1 and n_numbers in moved and not is_number(row[0]):
        return (BARE[0], *moved[n_numbers])
    if n_numbers == len(row) - 1 and n_numbers in moved and not is_number(row[-1]):
        return (*moved[n_numbers], BARE[0])
    raise InputError(
        f"a GNSS table without header has {len(row)} columns ({' '.join(row)[:60]}), whose meaning is unclear: add a "
        f"header, such as {','.join(BARE)}"
    )


def _from_usgs(path: Path) -> Gnss:
    try:
        entries = json.loads(read_text(path))
        if isinstance(entries, dict):
            entries = next(value for value in entries.values() if isinstance(value, list))
        rows = [_usgs_site(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
        raise InputError(
            f"{path.name} is not a static_data.json of the USGS ({type(error).__name__}: {error}): "
            "each site needs location, component, observed and data_error"
        ) from None
    if not rows:
        raise InputError(f"{path.name} holds no site: check the file")
    site, longitude, latitude, displacement, sd = zip(*rows, strict=True)
    return Gnss(list(site), np.array(longitude), np.array(latitude), np.array(displacement), np.array(sd))


def _usgs_site(entry: dict[str, Any]) -> tuple[str, float, float, list[float], list[float]]:
    component = entry["component"]
    letters = ",".join(component) if isinstance(component, list) else str(component)
    displacement, sd = [np.nan] * 3, [np.nan] * 3
    observed, errors = np.ravel(entry["observed"]), np.ravel(entry["data_error"])
    weights = np.ravel(entry.get("trace_weight") or np.ones(len(observed)))
    for letter, value, error, weight in zip(letters.split(","), observed, errors, weights, strict=False):
        if float(weight) > 0:
            place = COMPONENTS[letter.strip().upper()[-1]]
            displacement[place], sd[place] = (
                USGS_UNIT_M * (number_of(str(cell)) if is_number(str(cell)) else np.nan)
                for cell in (value, error)
            )
    latitude, longitude = (float(value) for value in entry["location"][:2])
    return str(entry.get("name", "")), longitude, latitude, displacement, sd


def _without_bad_rows(gnss: Gnss, unit: str, quality_log: QualityLog) -> Gnss:
    placed = (np.abs(gnss.longitude) <= 360) & (np.abs(gnss.latitude) <= 360)
    usable = placed & np.isfinite(gnss.displacement).any(axis=1)
    if not usable.all():
        quality_log.add(
            "nan", unit, "sites without a place or without a displacement: left out", int((~usable).sum())
        )
    if not usable.any():
        raise InputError(f"{unit} holds no site with a place and a displacement: check its columns and units")
    return gnss.take(usable)


def _with_positive_sds(gnss: Gnss, unit: str, quality_log: QualityLog, options: ReadingOptions) -> Gnss:
    sd = gnss.sd.copy()
    for column, default in enumerate(options.default_sd_m):
        used = np.isfinite(gnss.displacement[:, column])
        positive = np.isfinite(sd[:, column]) & (sd[:, column] > 0)
        typical = float(np.median(sd[positive, column])) if positive.any() else default
        tiny = positive & (sd[:, column] < options.min_sd * typical)
        sd[~positive | tiny, column] = typical
        name = ("east", "north", "up")[column]
        if n := int((~positive & used).sum()):
            detail = f"error of {name} zero or missing: {1000 * typical:.3g} mm"
            quality_log.add("assumed", unit, detail, n)
        if n := int((tiny & used).sum()):
            detail = f"error of {name} far below all others: {1000 * typical:.3g} mm"
            quality_log.add("assumed", unit, detail, n)
    return replace(gnss, sd=sd)


def _merged(gnss: Gnss, unit: str, quality_log: QualityLog, distance_degrees: float) -> Gnss:
    """Average sites at the same place, which could otherwise be held out and visible at once."""
    key = np.round(np.stack([gnss.longitude, gnss.latitude], axis=1) / distance_degrees).astype(int)
    _, first, place = np.unique(key, axis=0, return_index=True, return_inverse=True)
    if len(first) == len(gnss):
        return gnss
    quality_log.add("duplicate", unit, "sites at the same place: averaged", len(gnss) - len(first))
    displacement, sd = gnss.displacement[first].copy(), gnss.sd[first].copy()
    for number in range(len(first)):
        rows = np.flatnonzero(place.ravel() == number)
        if len(rows) > 1:
            weight = np.where(np.isfinite(gnss.displacement[rows]), 1 / gnss.sd[rows] ** 2, 0)
            total = weight.sum(axis=0)
            summed = np.nansum(weight * gnss.displacement[rows], axis=0)
            displacement[number] = np.divide(summed, total, out=np.full(3, np.nan), where=total > 0)
            # Solutions of one antenna share their errors, so that averaging does not reduce them.
            sd[number] = gnss.sd[rows].min(axis=0)
    order = np.argsort(first)
    return replace(gnss.take(first[order]), displacement=displacement[order], sd=sd[order])
