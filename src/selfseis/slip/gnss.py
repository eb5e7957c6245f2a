"""Reader of static displacements of GNSS sites: CSV, or the ``static_data.json`` of the USGS."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.io.tables import is_number, metres_per_unit, numbers, read_columns, read_text, required
from selfseis.quality_log import QualityLog
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
    """

    site: list[str]
    longitude: FloatArray
    latitude: FloatArray
    displacement: FloatArray
    sd: FloatArray

    def __len__(self) -> int:
        return len(self.site)

    def take(self, rows: NDArray[Any]) -> Gnss:
        """Return selected sites, by mask or by number."""
        chosen = np.arange(len(self))[rows]
        return Gnss(
            [self.site[row] for row in chosen], self.longitude[chosen], self.latitude[chosen],
            self.displacement[chosen], self.sd[chosen],
        )  # fmt: skip


def read_gnss(
    path: str | Path,
    quality_log: QualityLog | None = None,
    options: ReadingOptions = ReadingOptions(),
) -> Gnss:
    """Read displacements of GNSS sites, and correct or mask faulty entries.

    Parameters
    ----------
    path : str or Path
        CSV with the columns ``site, lon, lat, e, n, u, se, sn, su`` in m (names in any case, common spellings), or
        ``static_data.json`` of the USGS (centimetres).
    quality_log : QualityLog, optional
        Log of masks and assumptions.
    options : ReadingOptions

    Returns
    -------
    Gnss

    Raises
    ------
    InputError
        If the file holds no usable site.
    """
    path = Path(path)
    quality_log = QualityLog() if quality_log is None else quality_log
    gnss = _from_usgs(path) if path.suffix.lower() == ".json" else _from_table(path, quality_log)
    gnss = _without_bad_rows(gnss, path.name, quality_log)
    gnss = _with_positive_sds(gnss, path.name, quality_log, options.default_sd_m)
    return _merged(gnss, path.name, quality_log, options.same_place_degrees)


def _from_table(path: Path, quality_log: QualityLog) -> Gnss:
    table = read_columns(path, ALIASES, _bare)
    columns = table.cells
    required(columns, ("lon", "lat", "e", "n"), path)
    n = len(columns["lon"])
    nothing = [""] * n
    displacement = np.stack([numbers(columns.get(name, nothing)) for name in ("e", "n", "u")], axis=1)
    sd = np.stack([numbers(columns.get(name, nothing)) for name in ("se", "sn", "su")], axis=1)
    stated = [np.array([table.metres.get(name, np.nan) for name in names]) for names in (BARE[3:6], BARE[6:])]
    if np.isfinite(stated[0][:2]).all():
        # Columns without a stated unit are in the unit of the displacements.
        first, second = (np.where(np.isfinite(units), units, stated[0][0]) for units in stated)
        displacement, sd, factor, unit = displacement * first, sd * second, 1.0, "m"
    else:
        factor, unit = metres_per_unit(displacement, sd)
    if factor != 1:
        quality_log.add(
            "assumed", path.name, f"displacements cannot be metres (largest {np.nanmax(np.abs(displacement)):.4g}, "
            f"typical error {np.nanmedian(sd):.3g}): read as {unit}", n,
        )  # fmt: skip
    site = columns.get("site", [f"site {row + 1}" for row in range(n)])
    return Gnss(site, numbers(columns["lon"]), numbers(columns["lat"]), displacement * factor, sd * factor)


def _bare(row: list[str]) -> tuple[str, ...]:
    """Return the columns of a file without header, from the position of its site names."""
    if not is_number(row[0]):
        return BARE
    if not is_number(
        row[-1]
    ):  # as GMT draws velocities, with the correlation of east and north before the name
        return (
            ("lon", "lat", "e", "n", "se", "sn", "correlation", "site")
            if len(row) == 8
            else (*BARE[1:], "site")
        )
    return BARE[1:]


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
            displacement[place], sd[place] = USGS_UNIT_M * float(value), USGS_UNIT_M * float(error)
    latitude, longitude = (float(value) for value in entry["location"][:2])
    return str(entry.get("name", "")), longitude, latitude, displacement, sd


def _without_bad_rows(gnss: Gnss, unit: str, quality_log: QualityLog) -> Gnss:
    placed = np.isfinite(gnss.longitude) & np.isfinite(gnss.latitude)
    usable = placed & np.isfinite(gnss.displacement).any(axis=1)
    if not usable.all():
        quality_log.add(
            "nan", unit, "sites without a place or without a displacement: left out", int((~usable).sum())
        )
    if not usable.any():
        raise InputError(f"{unit} holds no site with a place and a displacement: check its columns and units")
    return gnss.take(usable)


def _with_positive_sds(
    gnss: Gnss, unit: str, quality_log: QualityLog, default_sd_m: tuple[float, ...]
) -> Gnss:
    sd = gnss.sd.copy()
    for column, default in enumerate(default_sd_m):
        bad = ~(np.isfinite(sd[:, column]) & (sd[:, column] > 0))
        typical = float(np.median(sd[~bad, column])) if not bad.all() else default
        n_used = int((bad & np.isfinite(gnss.displacement[:, column])).sum())
        sd[bad, column] = typical
        if n_used:
            quality_log.add(
                "assumed", unit, f"error of {['east', 'north', 'up'][column]} zero or missing: {1000 * typical:.3g} mm",
                n_used,
            )  # fmt: skip
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
