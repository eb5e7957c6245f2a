"""Log of the faults of the data: samples and files that were masked, rejected, moved or assumed."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import xarray as xr

LOST_UNITS = frozenset({"unreadable", "wrong_rate", "wrong_geometry"})
"""Kinds of issue after which the whole unit (file or channel) is missing from the recording."""
COUNTED_IN_SAMPLES = frozenset({"gap", "overlap", "conflict", "dead", "clipped", "nan"})
"""Kinds whose count is a number of samples; all the others count pieces (records, files, channels)."""
_EXAMPLES = 5


class Issue(NamedTuple):
    """One fault of the data.

    Attributes
    ----------
    kind : str
        One of the words that `QualityLog.add` lists.
    unit : str
        The file or channel.
    detail : str
        A sentence.
    count : int
        Number of samples or pieces.
    """

    kind: str
    unit: str
    detail: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which is not needed here


class QualityLog:
    """Issues met while reading; the log stays with the recording and is reported at the end.

    The same kind, unit and detail count once, so data may be read any number of times.
    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, unit: str, detail: str, count: int = 1) -> None:
        """Add an issue.

        Parameters
        ----------
        kind : str
            One word: ``gap``, ``overlap``, ``conflict`` (overlapping data that disagree), ``duplicate``,
            ``out_of_order``, ``truncated``, ``damaged``, ``header_mismatch``, ``dead``, ``clipped``,
            ``nan``, ``wrong_rate``, ``wrong_geometry``, ``unreadable``, ``not_waveforms``, ``shifted``,
            ``assumed``.
        unit : str
            The file or the seed_id concerned.
        detail : str
            The fault and its place, in words.
        count : int
            Samples for gap, overlap, conflict, dead, clipped and nan; pieces for everything else.
        """
        with self._lock:
            self._counts.setdefault((kind, unit, detail), int(count))

    @property
    def issues(self) -> list[Issue]:
        """All issues in the order in which they were added."""
        with self._lock:
            return [Issue(*key, count) for key, count in self._counts.items()]

    @property
    def failed_units(self) -> list[str]:
        """Files and channels without any usable data."""
        return sorted({issue.unit for issue in self.issues if issue.kind in LOST_UNITS})

    def to_dict(self) -> dict[str, Any]:
        """Return the issues as plain JSON types, by kind and unit, with a few examples of each."""
        kinds: dict[str, dict[str, Any]] = {}
        for kind, unit, detail, count in self.issues:
            of_kind = kinds.setdefault(kind, {"count": 0, "counts": _counted(kind), "units": {}})
            of_unit = of_kind["units"].setdefault(unit, {"count": 0, "findings": 0, "examples": []})
            of_kind["count"] += count
            of_unit["count"] += count
            of_unit["findings"] += 1
            if len(of_unit["examples"]) < _EXAMPLES:
                of_unit["examples"].append(detail)
        return {"failed_units": self.failed_units, "kinds": kinds}

    def summary(self) -> list[str]:
        """Return one readable line per kind of issue."""
        return [_summary_line(kind, of_kind) for kind, of_kind in self.to_dict()["kinds"].items()]

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"QualityLog({len(self)} issues)"

    def __getstate__(self) -> dict[str, Any]:
        return {"_counts": dict(self._counts)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._counts = state["_counts"]
        self._lock = threading.Lock()


def quality_log_of(recording: xr.DataArray) -> QualityLog:
    """Return the quality log of a recording; a recording without one gets an empty log.

    Parameters
    ----------
    recording : xarray.DataArray
        Any recording, also a part of one: parts share the quality log of the whole.
    """
    quality_log = recording.encoding.get("quality_log")
    if not isinstance(quality_log, QualityLog):
        quality_log = QualityLog()
        recording.encoding["quality_log"] = quality_log
    return quality_log


def _counted(kind: str) -> str:
    return "samples" if kind in COUNTED_IN_SAMPLES else "pieces"


def _summary_line(kind: str, of_kind: dict[str, Any]) -> str:
    units = list(of_kind["units"])
    first = of_kind["units"][units[0]]["examples"][0]
    where = units[0] if len(units) == 1 else f"{len(units)} units, first {units[0]}"
    return f"{kind.replace('_', ' ')}: {of_kind['count']:,} {of_kind['counts']} in {where}: {first}"
