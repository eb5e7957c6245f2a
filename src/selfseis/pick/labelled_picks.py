"""Labels of an analyst for adapting a picker: reading, their split by time, and windows around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from selfseis.catalogue.records import PHASES, Pick
from selfseis.errors import InputError, one_line
from selfseis.geo.phases import canonical, wave_of
from selfseis.io.clocks import parse_utc
from selfseis.io.obspy_import import obspy
from selfseis.io.tables import read_table
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.noise_windows import read_window
from selfseis.pick.pick_table import ALIASES, PickTable, place_picks
from selfseis.pick.pseudo_labels import LabelledOnsets, PseudoLabels, label_window
from selfseis.pick.time_split import Spans
from selfseis.recording.components import Station
from selfseis.typing import FloatArray

if TYPE_CHECKING:
    from selfseis.pick.self_training import SelfTraining

NEEDED = ("station", "phase", "time")
TRAINING, HELD_OUT = "for training", "held out"  # uses of labels
_Row = tuple[str, str, np.datetime64]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels at the stations of a recording, split by time.

    Attributes
    ----------
    training : list of ndarray, shape (n_events, 2)
        P and S of each station in training times, in samples; NaN where the S of a P is not labelled.
    counts : dict of str to int
        Number of labels by use: for training, held out, and each reason for leaving some out.
    """

    training: list[FloatArray] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def n_events(self) -> int:
        """Number of labelled P in training times."""
        return sum(len(events) for events in self.training)


def read_labels(path: Path | str) -> PickTable:
    r"""Read labelled onsets: a CSV table, or QuakeML and other formats of events that ObsPy reads.

    Parameters
    ----------
    path : Path or str
        The file. A table needs the columns station (or seed_id, trace_id, id, also with a column network), phase and
        time in UTC; further columns are ignored. Rows that are not a P or S with a time are left out and counted.

    Returns
    -------
    PickTable
        Its scores are 1.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or holds no label of P or S.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from selfseis.pick.labelled_picks import read_labels
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "labels.csv"
    ...     _ = file.write_text("station,phase,time\nXX.A,Pg,2020-01-01T00:00:05Z\nXX.A,Lg,2020-01-01T00:00:09\n")
    ...     labels = read_labels(file)
    >>> labels.station.tolist(), labels.left_out
    (['XX.A'], {'of other phases': 1})
    """
    place = Path(path)
    left_out: Counter[str] = Counter()
    try:
        with place.open("rb") as file:
            first = file.read(512)
        rows = _of_events(place, left_out) if _is_xml(first) else _of_table(place, left_out)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{place} does not exist: give a table of labels or QuakeML") from None
    except Exception as error:  # ObsPy raises many kinds for damaged files
        raise InputError(f"the labels in {place} cannot be read: {one_line(error)}") from error
    if not rows:
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise InputError(f"{place} holds no label of P or S{f' ({why})' if why else ''}: check the file")
    return _table(rows, left_out)


def as_labels(labels: Path | str | Sequence[Pick] | None) -> PickTable | None:
    """Return labels from a file or from picks; None if there are none.

    Parameters
    ----------
    labels : path, sequence of Pick, or None
        A file as for `read_labels`, or picks.

    Raises
    ------
    InputError
        As for `read_labels`.
    """
    if isinstance(labels, Path | str):
        return read_labels(labels)
    picks = list(labels or ())
    if not picks:
        return None
    return _table([(pick.seed_id, pick.phase, pick.time) for pick in picks], Counter())


def _table(rows: Sequence[_Row], left_out: Counter[str]) -> PickTable:
    station, phase, time = (np.array(column) for column in zip(*rows, strict=True))
    n_picks = len(rows)
    return PickTable(
        station,
        phase,
        time.astype("datetime64[ns]"),
        np.ones(n_picks),
        np.full(n_picks, np.nan),
        dict(left_out),
    )


def _is_xml(first: bytes) -> bool:
    return first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _of_table(path: Path, left_out: Counter[str]) -> list[_Row]:
    table = read_table(path, {name: names for name, names in ALIASES.items() if name != "score"})
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)}: it has {', '.join(table.header) or 'none'}"
        )
    rows: list[_Row] = []
    for record in table.records():
        network, station = record.get("network", ""), record["station"]
        name = f"{network}.{station}" if network and "." not in station else station
        _append(rows, name, record["phase"], record["time"], left_out)
    return rows


def _of_events(path: Path, left_out: Counter[str]) -> list[_Row]:
    obspy()
    from obspy import read_events

    rows: list[_Row] = []
    for event in read_events(str(path)):
        hints = {
            str(arrival.pick_id): arrival.phase for origin in event.origins for arrival in origin.arrivals
        }
        for pick in event.picks:
            name = pick.waveform_id.get_seed_string() if pick.waveform_id else ""
            phase = pick.phase_hint or hints.get(str(pick.resource_id)) or ""
            _append(rows, name.rstrip("."), phase, str(pick.time), left_out)
    return rows


def _append(rows: list[_Row], station: str, phase: str, time: str, left_out: Counter[str]) -> None:
    known = canonical(phase)
    if not known:
        left_out["of other phases"] += 1
        return
    try:
        at = parse_utc(time)
    except ValueError:
        left_out["without a time that can be read"] += 1
        return
    rows.append((station, wave_of(known), at))


def sort_labels(
    table: PickTable | None,
    recording: xr.DataArray,
    stations: list[Station],
    training: Spans,
    max_s_minus_p: float,
) -> Labels:
    """Place labels in a recording and split them by time.

    Each P takes the first S after it and before the next P of its station as that of the same event. An S without a P
    is not trained on, because nothing says where its event begins.

    Parameters
    ----------
    table : PickTable or None
        The labels.
    recording : xarray.DataArray
        The recording.
    stations : list of Station
        Its stations.
    training : list of (int, int)
        Training times in samples. Labels of other times are held out.
    max_s_minus_p : float
        Maximum S - P of one event in samples.

    Raises
    ------
    InputError
        If no label lies in the recording.
    """
    if table is None:
        return Labels()
    placed = place_picks(table, recording, stations)
    events, counts = [], Counter({TRAINING: 0, HELD_OUT: 0})
    for number in range(len(stations)):
        p, s = (
            np.sort(placed.at[(placed.number == number) & (placed.table.phase == phase)]) for phase in PHASES
        )
        paired = _paired(p, s, max_s_minus_p)
        inside = np.array([any(a <= at < b for a, b in training) for at in paired[:, 0]], bool)
        kept = paired[inside]
        n_used = int(np.isfinite(kept).sum())
        n_paired = int(np.isfinite(paired).sum())
        events.append(kept)
        counts[TRAINING] += n_used
        counts[HELD_OUT] += n_paired - n_used
        counts["S without a P"] += len(p) + len(s) - n_paired
    return Labels(events, {use: n for use, n in (counts + Counter(placed.left_out)).items() if n})


def _paired(p: FloatArray, s: FloatArray, max_s_minus_p: float) -> FloatArray:
    """Return P and S of events, shape (n_events, 2); the S is NaN where there is none."""
    events = np.full((len(p), 2), np.nan)
    events[:, 0] = p
    next_p = np.append(p[1:], np.inf)
    first = np.searchsorted(s, p, side="right")
    for row, number in enumerate(first):
        if number < len(s) and s[number] < min(next_p[row], p[row] + max_s_minus_p):
            events[row, 1] = s[number]
    return events


def label_windows(
    training: SelfTraining, events: list[FloatArray], candidates: list[OnsetCandidates]
) -> PseudoLabels | None:
    """Read windows around labelled P; return None if there is none.

    Onset candidates of the parent without a label are ignored: an analyst does not list all events.

    Parameters
    ----------
    training : SelfTraining
        The recording.
    events : list of ndarray, shape (n_events, 2)
        Labelled P and S of each station in samples.
    candidates : list of OnsetCandidates
        Of the parent at each station.
    """
    options, label_sd = training.options.self_training.labels, training.options.examples.label_sd
    n_samples = 2 * training.maker.n_samples
    windows, labels, weights, between = [], [], [], []
    for station, of_station, onsets in zip(training.stations, events, candidates, strict=True):
        likely = onsets.above(options.min_labelled_height)
        unlisted = np.sort(np.concatenate([likely.p[:, 0], likely.s[:, 0]]))
        known = LabelledOnsets(of_station, unlisted, np.zeros(0), np.zeros(len(of_station), bool))
        for p, s in of_station:
            first = round(p) - n_samples // 2
            windows.append(
                read_window(training.recording, station, training.high_pass, first, first + n_samples)
            )
            label, weight = label_window(known, first, n_samples, label_sd, options.ignored_reach)
            labels.append(label.astype(np.float16))
            weights.append(weight)
            between.append(0 if np.isnan(s) else round(s - p))
    if not windows:
        return None
    return PseudoLabels(
        np.stack(windows), np.stack(labels), np.stack(weights), np.array(between), len(windows)
    )
