"""Picks, the files that hold them (CSV and QuakeML), and the peaks of a probability that they are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from selfseis.recording.atomic import replacing
from selfseis.recording.errors import UnusableInput
from selfseis.recording.obspy_import import obspy

if TYPE_CHECKING:
    from obspy import Catalog

Phase = Literal["P", "S"]
PHASES: tuple[Phase, ...] = ("P", "S")
COLUMNS = ("seed_id", "phase", "time", "probability", "sd_s")
SMALLEST = 1e-6  # probability below which the shape of a peak is rounding


@dataclass(frozen=True)
class Pick:
    """The onset of a phase at a station.

    Attributes
    ----------
    seed_id : str
        "NET.STA.LOC.CHA" of the channel that shows the phase best: the vertical one for P, a horizontal one for S.
    phase : {"P", "S"}
        The phase.
    time : numpy.datetime64
        Time of the onset, UTC, in nanoseconds.
    probability : float
        That there is such an onset.
    sd_s : float
        Standard deviation of the time in s.
    """

    seed_id: str
    phase: Phase
    time: np.datetime64
    probability: float
    sd_s: float

    @property
    def station(self) -> str:
        """Return "NET.STA.LOC", the seed_id without its channel code; of a fibre's channel its whole name."""
        return self.seed_id.rpartition(".")[0] if self.seed_id.count(".") == 3 else self.seed_id


def in_time(picks: Iterable[Pick]) -> list[Pick]:
    """Return picks in the order of time, then of seed_id and phase."""
    return sorted(picks, key=lambda pick: (pick.time, pick.seed_id, pick.phase))


def write_picks(picks: Sequence[Pick], folder: Path, *, name: str = "picks") -> None:
    """Write ``picks.csv`` and ``picks.xml`` (QuakeML) in the order of time, each whole or not at all.

    Parameters
    ----------
    picks : sequence of Pick
        The picks; may be empty.
    folder : Path
        Where to write; made if need be.
    name : str
        Name of the files without suffix.
    """
    ordered = in_time(picks)
    with replacing(folder / f"{name}.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for pick in ordered:
            rows.writerow(
                (pick.seed_id, pick.phase, iso(pick.time), f"{pick.probability:.4f}", f"{pick.sd_s:.4f}")
            )
    with replacing(folder / f"{name}.xml") as path:
        to_quakeml(ordered).write(str(path), format="QUAKEML")


def read_picks(path: Path | str) -> list[Pick]:
    """Read picks from a CSV file with the columns that `write_picks` writes.

    Parameters
    ----------
    path : Path or str
        A file, or a folder that holds ``picks.csv``. More columns do no harm.

    Returns
    -------
    list of Pick
        In the order of the file.

    Raises
    ------
    UnusableInput
        If there is no such file, a column is missing, or a line makes no sense.
    """
    place = Path(path)
    place = place / "picks.csv" if place.is_dir() else place
    try:
        with place.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                raise UnusableInput(
                    f"{place} has no column {', '.join(missing)}: picks need {', '.join(COLUMNS)}"
                )
            return [_pick_of(row, place, number) for number, row in enumerate(rows, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableInput(f"the picks in {place} cannot be read ({error}): give a picks.csv") from error


def to_quakeml(picks: Iterable[Pick]) -> Catalog:
    """Return picks as an ObsPy catalogue of one event without an origin.

    QuakeML has no place for a pick but in an event. The one event here is a container and says so; the events that
    the picks belong to are in the catalogue of located events, which repeats the picks with the same identifiers.
    """
    obspy()
    from obspy.core.event import Catalog, Comment, CreationInfo, Event, ResourceIdentifier

    container = Event(
        resource_id=ResourceIdentifier("smi:local/selfseis/picks"),
        event_type="not reported",
        comments=[
            Comment(
                text="a container of all picks, not one event",
                resource_id=ResourceIdentifier("smi:local/selfseis/picks/comment"),
            )
        ],
        creation_info=CreationInfo(agency_id="selfseis"),
    )
    container.picks = [quakeml_pick(pick) for pick in picks]
    return Catalog([container], resource_id=ResourceIdentifier("smi:local/selfseis/catalogue"))


def quakeml_pick(pick: Pick) -> Any:
    """Return a pick as an ``obspy.core.event.Pick``, with its probability in a comment."""
    obspy()
    from obspy import UTCDateTime
    from obspy.core.event import Comment, QuantityError, ResourceIdentifier, WaveformStreamID
    from obspy.core.event import Pick as QuakeMLPick

    identifier = resource_of(pick)
    return QuakeMLPick(
        resource_id=ResourceIdentifier(identifier),
        time=UTCDateTime(ns=int(pick.time.astype("datetime64[ns]").astype(np.int64))),
        time_errors=QuantityError(uncertainty=pick.sd_s),
        waveform_id=WaveformStreamID(**_stream_codes(pick.seed_id)),
        phase_hint=pick.phase,
        evaluation_mode="automatic",
        method_id=ResourceIdentifier("smi:local/selfseis/picker"),
        comments=[
            Comment(
                text=f"probability {pick.probability:.4f}",
                resource_id=ResourceIdentifier(f"{identifier}/comment"),
            )
        ],
    )


def resource_of(pick: Pick) -> str:
    """Return the QuakeML identifier of a pick, which is the same in every file that holds it."""
    nanoseconds = int(pick.time.astype("datetime64[ns]").astype(np.int64))
    return f"smi:local/selfseis/pick/{pick.seed_id}/{pick.phase}/{nanoseconds}"


def iso(time: np.datetime64) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond."""
    return f"{np.datetime_as_string(time.astype('datetime64[us]'))}Z"


def peaks_of(
    probability: NDArray[np.floating], threshold: float, apart: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the peaks of a probability, between samples.

    The position is the top of the parabola through the logarithms of the three samples about the peak, which is
    exact where the peak is a Gaussian, the shape that the network learns.

    Parameters
    ----------
    probability : ndarray, shape (n_samples,)
        Between 0 and 1; NaN where there is no data.
    threshold : float
        Least height of a peak.
    apart : int
        Least distance of two peaks in samples: of nearer ones the highest stays.

    Returns
    -------
    positions, heights : ndarray, shape (n_peaks,)
        In samples from the first, in ascending order, and the heights at the sample nearest to them.
    """
    from scipy.signal import find_peaks

    padded = np.concatenate([[0.0], np.nan_to_num(np.asarray(probability, np.float64), nan=0.0), [0.0]])
    tops = find_peaks(padded, height=max(threshold, SMALLEST), distance=max(1, apart))[0]
    before, top, after = np.log(np.maximum(padded[tops[:, None] + np.array([-1, 0, 1])], SMALLEST)).T
    curvature = before - 2 * top + after
    shift = np.divide(0.5 * (before - after), curvature, out=np.zeros(len(tops)), where=curvature < -1e-12)
    inside = np.clip(tops - 1 + np.clip(shift, -0.5, 0.5), 0, len(padded) - 3)
    return inside, padded[tops]


def _stream_codes(seed_id: str) -> dict[str, str]:
    codes = seed_id.split(".")
    if len(codes) != 4:  # a channel of a fibre has no SEED name
        return {"network_code": "XX", "station_code": seed_id}
    return dict(zip(("network_code", "station_code", "location_code", "channel_code"), codes, strict=True))


def _pick_of(row: dict[str, str], place: Path, number: int) -> Pick:
    try:
        phase = row["phase"]
        if phase not in PHASES:
            raise ValueError(f"phase {phase!r} is neither P nor S")
        time = np.datetime64(row["time"].removesuffix("Z"), "ns")
        if np.isnat(time):
            raise ValueError("no time")
        return Pick(row["seed_id"], phase, time, float(row["probability"]), float(row["sd_s"]))
    except (ValueError, TypeError, AttributeError) as error:
        raise UnusableInput(f"line {number} of {place} is no pick ({error}): correct or remove it") from error
