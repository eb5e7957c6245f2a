"""What the user states about a fibre file in a small text beside it: ``FILE.yaml``, or ``fibre.yaml`` for a folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selfseis.errors import InputError
from selfseis.recording.time_axis import to_ns

FOR_FOLDER = "fibre.yaml"
_LINE = re.compile(r"([a-z_]+)\s*:\s*(.*?)\s*(?:\s#.*)?$")


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e9:
        raise ValueError("it must be a positive number")
    return number


_KEYS: dict[str, Callable[[str], Any]] = {
    "dataset": str,
    "axes": str,
    "start": to_ns,
    "sampling_rate": _positive,
    "channel_spacing": _positive,
    "first_distance": float,
    "gauge_length": _positive,
    "units": str,
}


def hints_of(path: Path) -> dict[str, Any]:
    r"""Read the hints for a file; those in ``FILE.yaml`` overrule those for its folder.

    Parameters
    ----------
    path : Path
        The file of samples.

    Returns
    -------
    dict
        Of ``dataset``, ``axes``, ``start`` (ns since 1970), ``sampling_rate`` (Hz), ``channel_spacing``,
        ``first_distance``, ``gauge_length`` (m) and ``units`` those that are stated.

    Raises
    ------
    InputError
        If a line is no ``KEY: VALUE``, or a key or value is unknown.

    Examples
    --------
    >>> from pathlib import Path
    >>> from selfseis.recording.fibre_hints import hints_of
    >>> _ = Path("a.h5.yaml").write_text("axes: time channel  # as exported\nchannel_spacing: 8.16\n")
    >>> hints_of(Path("a.h5"))
    {'axes': 'time channel', 'channel_spacing': 8.16}
    """
    hints: dict[str, Any] = {}
    for place in (path.with_name(FOR_FOLDER), path.with_name(f"{path.name}.yaml")):
        if place.is_file():
            hints |= _parsed(place)
    return hints


def _parsed(place: Path) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for line in place.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        if match is None or match[1] not in _KEYS:
            raise InputError(f"{place}: {line.strip()!r} is not understood: use {', '.join(_KEYS)}")
        value = match[2].strip("'\"")
        try:
            hints[match[1]] = _KEYS[match[1]](value)
        except ValueError as error:
            raise InputError(f"{place}: {match[1]} cannot be {value!r} ({error})") from error
    return hints


def overruled(headers: list[dict[str, Any]], hints: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the headers of a file with what the user states in place of what the file states.

    Raises
    ------
    InputError
        If a start is given for a file of several parts.
    """
    if "start" in hints and len(headers) > 1:
        raise InputError(f"a start is given for a file of {len(headers)} parts with gaps between them")
    return [_one_overruled(header, hints) for header in headers]


def _one_overruled(header: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
    changed = dict(header)
    if "start" in hints:
        changed |= {"start_ns": hints["start"], "dated": True}
    if "sampling_rate" in hints:
        changed["rate"] = hints["sampling_rate"]
    if "channel_spacing" in hints or "first_distance" in hints:
        stated = header["distance"] or {}
        if "values" in stated and "channel_spacing" not in hints:
            raise InputError(
                "first_distance needs channel_spacing: the distances of the file are not regular"
            )
        count = len(stated["values"]) if "values" in stated else stated.get("n") or header["n_channels"]
        step = hints.get("channel_spacing", stated.get("step", 1.0))
        changed["distance"] = {"first": hints.get("first_distance", 0.0), "step": step, "n": count}
    return changed | {name: hints[name] for name in ("gauge_length", "units") if name in hints}
