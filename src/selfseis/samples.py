"""Real recordings for the demo, read from files of PyPI packages; the packages are never imported.

``python -m pip install --no-deps daspy-toolbox msnoise==1.6.5 opsdata-coal-node`` installs the files.
The environment variable ``SELFSEIS_SAMPLES`` may name a folder with these packages unpacked.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from selfseis.errors import InputError
from selfseis.io.tables import read_text, split_cells
from selfseis.recording import open_recording, recording_from_array
from selfseis.typing import FloatArray

__all__ = ["mine_geophones", "mine_manual_picks", "mine_recording", "piton_day", "porotomo_earthquake"]

NUMPY_INTERNALS = ("numpy.core.multiarray", "numpy._core.multiarray")  # before and since NumPy 2
UTM_ZONE_40_MERIDIAN = 57.0  # degrees east


def porotomo_earthquake() -> xr.DataArray:
    """Open an earthquake on the PoroTomo fibre: Hawthorne, Nevada, ML 4.3, 2016-03-21, 150 km away.

    500 channels, 1 m apart, gauge length 10 m, 50 s at 100 Hz, strain rate. From the package daspy-toolbox
    (MIT).

    Returns
    -------
    xarray.DataArray
        A recording.

    Raises
    ------
    InputError
        If the file is not installed or has unexpected content; it is read without running any code in it.

    References
    ----------
    Feigl and PoroTomo Team, 2017, Overview and preliminary results from the PoroTomo project at Brady Hot
    Springs, Nevada, 42nd Workshop on Geothermal Reservoir Engineering, Stanford. Wang et al., 2018, Ground
    motion response to an ML 4.3 earthquake using co-located distributed acoustic sensing and seismometer
    arrays, 10.1093/gji/ggy102. Hu and Li, 2024, DASPy, 10.1785/0220240124.
    """
    path = _sample("daspy", "core/example.pkl", "daspy-toolbox")
    section = _read_section(path)
    data, spacing = section["data"], section["dx"]
    return recording_from_array(
        data,
        section["fs"],
        section["start_time"].astimezone(UTC).replace(tzinfo=None),
        distance=section["start_distance"] + spacing * np.arange(len(data)),
        units="strain rate",
        gauge_length=10.0,
    )


def piton_day() -> xr.DataArray:
    """Open one day of three vertical seismometers on Piton de la Fournaise, La Réunion: 2010-09-01 at 100 Hz.

    From the package msnoise (EUPL 1.1).

    Returns
    -------
    xarray.DataArray
        A lazy recording in counts, with coordinates.

    Raises
    ------
    InputError
        If the files are not installed.

    References
    ----------
    Network YA (UnderVolc), Brenguier et al., 2012, First results from the UnderVolc high resolution seismic
    and GPS network deployed on Piton de la Fournaise volcano, 10.1785/gssrl.83.1.97. Lecocq et al., 2014,
    MSNoise, 10.1785/0220130073.
    """
    folder = _sample("msnoise", "test", "msnoise==1.6.5")
    paths = sorted(str(path) for path in (folder / "data" / "2010").glob("*/HHZ.D/YA.*"))
    recording = open_recording(*paths)
    lines = read_text(folder / "extra" / "stations.csv").splitlines()
    utm = {code: place for code, *place in (split_cells(line, ",") for line in lines)}
    codes = [".".join(str(seed_id).split(".")[:2]) for seed_id in recording["seed_id"].values]
    east, north, elevation = np.array([utm[code] for code in codes], float).T
    latitude, longitude = _degrees_from_utm_south(east, north)
    coordinates = {"latitude": latitude, "longitude": longitude, "elevation": elevation}
    located = recording.assign_coords({name: ("channel", of) for name, of in coordinates.items()})
    located.encoding = recording.encoding
    return located


def mine_geophones() -> list[xr.DataArray]:
    """Open five seismic events at 12 three-component geophones over a longwall coal mine.

    15 s at 500 Hz each. From the package opsdata-coal-node (BSD, Derrick Chambers).

    Returns
    -------
    list of xarray.DataArray
        One recording of 36 channels per event, with coordinates, in order of time.

    Raises
    ------
    InputError
        If the files are not installed.

    References
    ----------
    Chambers, Boltz and Chamberlain, 2021, ObsPlus, 10.21105/joss.02696.
    """
    return [open_recording(path, inventory=_mine_inventory()) for path in _mine_files()]


def mine_recording() -> xr.DataArray:
    """Open the five windows of `mine_geophones` as one recording of nine days, empty between them.

    Returns
    -------
    xarray.DataArray
        A lazy recording of 36 channels, with coordinates.

    Raises
    ------
    InputError
        If the files are not installed.
    """
    return open_recording(*_mine_files(), inventory=_mine_inventory())


def mine_manual_picks() -> pd.DataFrame:
    """Read the analyst's picks of `mine_geophones`: 43 P and 7 S.

    Returns
    -------
    pandas.DataFrame
        Columns ``event`` (index into `mine_geophones`), ``seed_id``, ``phase``, ``time`` (UTC), ``sd_s``.

    Raises
    ------
    InputError
        If the files are not installed.
    """
    from obspy import read_events

    folder = _sample("opsdata_coal_node", "coal_node", "opsdata-coal-node")
    rows = [
        {
            "event": event,
            "seed_id": pick.waveform_id.get_seed_string(),
            "phase": pick.phase_hint,
            "time": pd.Timestamp(pick.time.ns),
            "sd_s": pick.time_errors.uncertainty,
        }
        for event, path in enumerate(sorted((folder / "events").rglob("*.xml")))
        for pick in read_events(str(path), format="QUAKEML")[0].picks
        if pick.evaluation_mode == "manual"
    ]
    return pd.DataFrame(rows).sort_values(["event", "time"], ignore_index=True)


def _mine_files() -> list[str]:
    folder = _sample("opsdata_coal_node", "coal_node", "opsdata-coal-node")
    return [str(path) for path in sorted((folder / "waveforms").glob("*.mseed"))]


def _mine_inventory() -> str:
    return str(_sample("opsdata_coal_node", "coal_node/stations/inv.xml", "opsdata-coal-node"))


def _sample(package: str, inside: str, requirement: str) -> Path:
    """Find a file of a package without importing it."""
    roots = []
    folder = os.environ.get("SELFSEIS_SAMPLES")
    if folder:
        roots += [Path(folder) / package, *sorted(Path(folder).glob(f"*/{package}"))]
    specification = importlib.util.find_spec(package)
    if specification is not None:
        roots += [Path(place) for place in specification.submodule_search_locations or []]
    for root in roots:
        if (root / inside).exists():
            return root / inside
    raise InputError(
        f"the sample recording of {package} is not installed: python -m pip install --no-deps {requirement}"
    )


class _SectionUnpickler(pickle.Unpickler):
    """Rebuilds arrays, numbers and times, and refuses everything else, so that no code in it can run."""

    _allowed = {  # noqa: RUF012 - ClassVar would add nothing
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("datetime", "timezone"): timezone,
        ("datetime", "timedelta"): timedelta,
        ("daspy.core.dasdatetime", "DASDateTime"): datetime,
    }

    def find_class(self, module: str, name: str) -> Any:
        if module in NUMPY_INTERNALS and name in ("_reconstruct", "scalar"):
            return getattr(np._core.multiarray, name)
        if (module, name) in self._allowed:
            return self._allowed[module, name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _read_section(path: Path) -> dict[str, Any]:
    """Read the pickled attributes of a daspy Section: a plain dictionary with an array and some numbers."""
    try:
        with path.open("rb") as file:
            section = _SectionUnpickler(file).load()
        usable = section["data"].ndim == 2 and section["data"].dtype.kind == "f"
        usable &= isinstance(section["start_time"], datetime)
        numbers = [section[key] for key in ("dx", "fs", "start_distance")]
        usable &= all(isinstance(number, int | float | np.number) for number in numbers)
    except Exception as error:  # a damaged or hostile pickle may raise anything
        raise InputError(f"{path} is not the PoroTomo sample and was not read: {error}") from None
    if not usable:
        raise InputError(f"{path} is not the PoroTomo sample: its values are of the wrong kind")
    return section


def _degrees_from_utm_south(east: npt.NDArray[Any], north: npt.NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Latitude and longitude from UTM zone 40 south, by Krueger's series (Karney, 2011), to a millimetre."""
    semi_major, flattening, scale = 6378137.0, 1 / 298.257223563, 0.9996
    n = flattening / (2 - flattening)
    rectifying_radius = semi_major / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    xi = (north - 10_000_000) / (scale * rectifying_radius)
    eta = (east - 500_000) / (scale * rectifying_radius)
    beta = (n / 2 - 2 * n**2 / 3 + 37 * n**3 / 96, n**2 / 48 + n**3 / 15, 17 * n**3 / 480)
    delta = (2 * n - 2 * n**2 / 3 - 2 * n**3, 7 * n**2 / 3 - 8 * n**3 / 5, 56 * n**3 / 15)
    xi_sphere = xi - sum(b * np.sin(2 * j * xi) * np.cosh(2 * j * eta) for j, b in enumerate(beta, 1))
    eta_sphere = eta - sum(b * np.cos(2 * j * xi) * np.sinh(2 * j * eta) for j, b in enumerate(beta, 1))
    conformal = np.arcsin(np.sin(xi_sphere) / np.cosh(eta_sphere))
    latitude = conformal + sum(d * np.sin(2 * j * conformal) for j, d in enumerate(delta, 1))
    longitude = np.arctan2(np.sinh(eta_sphere), np.cos(xi_sphere))
    return np.degrees(latitude), UTM_ZONE_40_MERIDIAN + np.degrees(longitude)
