"""Log of the faults of the data: samples and files that were masked, rejected, moved or assumed."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import xarray as xr

LOST_UNITS = frozenset({"unreadable", "wrong_rate", "wrong_geometry", "wrong_units"})
"""Kinds of issue after which a unit (file or channel) is missing from the recording, wholly or in part."""
COUNTED_IN_SAMPLES = frozenset(
    {"gap", "overlap", "conflict", "dead", "clipped", "filled", "nan", "leap_second"}
)
"""Kinds whose count is a number of samples; all the others count pieces (records, files, channels)."""
_MASKS = frozenset({"dead", "clipped", "filled", "conflict", "nan"})
MAX_LOST_SHARE = 0.1
"""Share of a file that may be damaged before the file counts as one that could not be used."""
CHANGED_NUMBERS = frozenset({"assumed", "sign_turned", "duplicate_event", "several_origins", "converted"})
"""Kinds after which the numbers are not those of the file: reported first, and every detail."""
FIBRE = "fibre"
"""Unit of all channels of a fibre together."""
_EXAMPLES = 5
_NAMED = 3  # units that a line names


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
        self._lost_shares: dict[tuple[str, str, str], float] = {}
        self._expected: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, unit: str, detail: str, count: int = 1, *, lost_share: float = 0.0) -> None:
        """Add an issue.

        Parameters
        ----------
        kind : str
            One word: ``gap``, ``overlap``, ``conflict`` (overlapping data that disagree), ``duplicate``,
            ``out_of_order``, ``truncated``, ``damaged``, ``header_mismatch``, ``dead``, ``clipped``,
            ``filled`` (a straight line), ``nan``, ``leap_second``, ``wrong_rate``, ``wrong_geometry``,
            ``wrong_units``, ``converted`` (to the units of the rest), ``unreadable``, ``not_waveforms``,
            ``shifted``, ``offset``, ``far_in_time``, ``assumed``.
        unit : str
            The file or the seed_id concerned.
        detail : str
            The fault and its place, in words.
        count : int
            Samples for the kinds of `COUNTED_IN_SAMPLES`; pieces for everything else.
        lost_share : float
            Share of the data of the unit that is lost by it, between 0 and 1.
        """
        with self._lock:
            self._counts.setdefault((kind, unit, detail), int(count))
            if lost_share > 0:
                self._lost_shares.setdefault((kind, unit, detail), float(lost_share))

    def expect(self, unit: str, n_samples: int) -> None:
        """State the number of samples of a channel, so that a channel without a usable one is named."""
        with self._lock:
            self._expected[unit] = int(n_samples)

    @property
    def issues(self) -> list[Issue]:
        """All issues in the order in which they were added."""
        with self._lock:
            return [Issue(*key, count) for key, count in self._counts.items()]

    @property
    def failed_units(self) -> list[str]:
        """Files and channels that are missing wholly, or in part: see `LOST_UNITS` and `MAX_LOST_SHARE`.

        A channel all of whose samples are masked counts as missing once they have been read.
        """
        issues = self.issues
        with self._lock:
            expected, shares = dict(self._expected), list(self._lost_shares.items())
        lost: defaultdict[str, float] = defaultdict(float)
        for (_, unit, _), share in shares:
            lost[unit] += share
        masked: defaultdict[str, int] = defaultdict(int)
        for issue in issues:
            masked[issue.unit] += issue.count if issue.kind in _MASKS else 0
        failed = {issue.unit for issue in issues if issue.kind in LOST_UNITS}
        failed |= {unit for unit, share in lost.items() if share > MAX_LOST_SHARE}
        failed |= {unit for unit, n_samples in expected.items() if masked[unit] >= n_samples > 0}
        return sorted(failed)

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
        """Return one readable line per kind of issue; of skipped channels one per reason."""
        lines: list[str] = []
        for kind, of_kind in self.to_dict()["kinds"].items():
            if kind == "wrong_rate":
                lines += self._skipped(of_kind["units"])
            else:
                lines.append(_summary_line(kind, of_kind))
        return lines

    def _skipped(self, units: dict[str, Any]) -> list[str]:
        """Return one line for all channels, or files, that were left out for the same reason."""
        with self._lock:
            channels = set(self._expected)
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for unit, found in units.items():
            by_reason[found["examples"][0]].append(unit)
        of_stations = bool(channels) and FIBRE not in channels
        total = f" of {len(channels | set(units))}" if of_stations else ""
        return [f"skipped {len(same)}{total}, {_names(same)}: {reason}" for reason, same in by_reason.items()]

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"QualityLog({len(self)} issues)"

    def __getstate__(self) -> dict[str, Any]:
        return {name: dict(value) for name, value in vars(self).items() if isinstance(value, dict)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
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
    details = {found["examples"][0] for found in of_kind["units"].values()}
    first = of_kind["units"][units[0]]["examples"][0]
    same = len(details) == 1 and all(found["findings"] == 1 for found in of_kind["units"].values())
    where = f"{len(units)} units, first {units[0]}" if len(units) > 1 and not same else _names(units)
    return f"{kind.replace('_', ' ')}: {of_kind['count']:,} {of_kind['counts']} in {where}: {first}"


def _names(units: list[str]) -> str:
    more = f" and {len(units) - _NAMED} more" if len(units) > _NAMED else ""
    return ", ".join(units[:_NAMED]) + more
