"""What was found wrong with the data: masked, rejected, moved or assumed."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import xarray as xr

LOST_UNITS = frozenset({"unreadable", "wrong_rate", "wrong_geometry"})
"""Kinds of finding after which the whole unit (file or channel) is missing from the recording."""
COUNTED_IN_SAMPLES = frozenset({"gap", "overlap", "conflict", "dead", "clipped", "nan"})
"""Kinds whose count is a number of samples; all the others count pieces (records, files, channels)."""
_EXAMPLES = 5


class Finding(NamedTuple):
    """One thing found: its kind, the file or channel, a sentence, and the number of samples or pieces."""

    kind: str
    unit: str
    detail: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


class QualityLog:
    """Findings of reading, kept with the recording and reported at the end.

    Noting the same kind, unit and detail again changes nothing, so data may be read any number of times.
    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, unit: str, detail: str, count: int = 1) -> None:
        """Add a finding.

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
            What and where, in words.
        count : int
            Samples for gap, overlap, conflict, dead, clipped and nan; pieces for everything else.
        """
        with self._lock:
            self._counts.setdefault((kind, unit, detail), int(count))

    @property
    def issues(self) -> list[Finding]:
        """All findings in the order in which they were made."""
        with self._lock:
            return [Finding(*key, count) for key, count in self._counts.items()]

    @property
    def failed_units(self) -> list[str]:
        """Files and channels of which nothing could be used."""
        return sorted({finding.unit for finding in self.issues if finding.kind in LOST_UNITS})

    def to_dict(self) -> dict[str, Any]:
        """Return findings as plain JSON types, by kind and unit, with a few examples of each."""
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
        """One line for each kind of finding, for people."""
        return [_summary_line(kind, of_kind) for kind, of_kind in self.to_dict()["kinds"].items()]

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"QualityLog({len(self)} findings)"

    def __getstate__(self) -> dict[str, Any]:
        return {"_counts": dict(self._counts)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._counts = state["_counts"]
        self._lock = threading.Lock()


def quality_log_of(recording: xr.DataArray) -> QualityLog:
    """Return the quality log that travels with a recording; an empty one is attached when it has none.

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
