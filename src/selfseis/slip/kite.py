"""Reader of kite scenes: ``NAME.npz`` with displacement and look angles, ``NAME.yml`` with the position."""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from selfseis.errors import InputError
from selfseis.geo.projection import LocalMap
from selfseis.io.tables import read_text
from selfseis.slip.fsp import NUMBER
from selfseis.typing import FloatArray, IntArray

SUFFIXES = (".npz", ".yml", ".yaml")
ARRAYS = ("arr_0", "arr_1", "arr_2")


def read_kite(path: Path) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Read all pixels of a kite scene.

    Rows count northwards and columns eastwards from the lower left corner. The look angles are those of kite: theta
    is the elevation of the satellite above the horizon, phi its direction counterclockwise from east, both in
    radians. Processing steps that kite would apply on loading (ramp, mask) are not applied.

    Parameters
    ----------
    path : Path
        Either of the two files.

    Returns
    -------
    longitude, latitude, los : ndarray, shape (n_pixels,)
        Of the pixels that have a value; displacement in m, positive towards the satellite.
    look : ndarray, shape (n_pixels, 3)
        Unit vectors to the satellite: east, north, up.

    Raises
    ------
    InputError
        If one of the files is missing or has other contents.
    """
    displacement, theta, phi = _arrays(path.with_suffix(".npz"))
    config = next((path.with_suffix(end) for end in SUFFIXES[1:] if path.with_suffix(end).is_file()), None)
    if config is None:
        raise InputError(
            f"{path.stem}.yml is missing: kite saves the position of a scene next to {path.stem}.npz"
        )
    rows, columns = np.nonzero(np.isfinite(displacement))
    longitude, latitude = _places(read_text(config), config.name, columns, rows)
    theta, phi = theta[rows, columns], phi[rows, columns]
    look = np.stack([np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), np.sin(theta)], axis=1)
    return longitude, latitude, displacement[rows, columns], look


def _arrays(path: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    if not path.is_file():
        raise InputError(f"{path.name} is missing: kite saves the displacements of a scene next to its .yml")
    try:
        with np.load(path, allow_pickle=False) as stored:
            displacement, theta, phi = (np.asarray(stored[name], float) for name in ARRAYS)
        theta, phi = (np.broadcast_to(angle, displacement.shape) for angle in (theta, phi))
    except KeyError:
        raise InputError(
            f"{path.name} is not a scene of kite: it lacks displacement, theta and phi as {', '.join(ARRAYS)}"
        ) from None
    except (ValueError, BadZipFile, OSError) as error:
        raise InputError(
            f"{path.name} holds arrays that cannot be read safely ({error}): export lon, lat, los, look vectors to CSV"
        ) from None
    if displacement.ndim != 2:
        raise InputError(f"{path.name} is not a scene of kite: its displacement is not a 2-D map")
    return displacement, theta, phi


def _places(text: str, name: str, columns: IntArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return longitude and latitude of pixels, from the frame of the scene."""
    south, west = _value(text, name, "llLat"), _value(text, name, "llLon")
    # Before kite 1.2 spacings were degrees and called so.
    old = re.search(r"^\s*dLon\s*:", text, re.M) is not None
    east = columns * _value(text, name, "dLon" if old else "dE")
    north = rows * _value(text, name, "dLat" if old else "dN")
    if old or re.search(r"^\s*spacing\s*:\s*['\"]?degree", text, re.M):
        return np.asarray(west + east), np.asarray(south + north)
    return LocalMap(west, south).to_degrees(np.stack([east, north], axis=1) / 1000)


def _value(text: str, name: str, key: str) -> float:
    found = re.search(rf"^\s*{key}\s*:\s*{NUMBER}\s*$", text, re.M)
    if found is None:
        raise InputError(f"{name} is not a scene of kite: it has no {key}")
    return float(found.group(1))
