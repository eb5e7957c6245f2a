"""Claim: the starting network, calibrated on 66 regional recordings of one array without labels, returns usable picks.

ARCES is a development set: choices were tried on it, so its scores are optimistic. Analysts listed one event per
recording. Picks of other events count as false here, so the achieved false share is an upper bound. Where the user
names peers (``SELFSEIS_PEERS``), picks that a peer supports count as right too; shifted picks show how often it does by
chance. The scores "strongest" and "usable" are those of ``score.py``, which lies beside the recordings.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.common import Measured, Row, Table, binomial_interval, progress
from benchmarks.fibre_noise import data_folder
from benchmarks.picking_methods import (
    LOWEST,
    Components,
    Method,
    Onsets,
    peers,
    peers_note,
    sta_lta_aic,
    untrained,
)
from benchmarks.picking_scores import SECONDS_A_DAY
from selfseis.catalogue.records import PHASES, Phase, Pick
from selfseis.pick.calibration import reliability
from selfseis.pick.false_discovery import TargetsAndDecoys
from selfseis.pick.model import OperatingPoint
from selfseis.pick.picker import Picker
from selfseis.recording import open_recording

Times = NDArray[np.float64]
ByPhase = dict[Phase, "PhasePicks"]

FIRST = np.datetime64("2031-01-01T00:00:00", "ns")  # score.py gives the recordings these times
SPACING = 1000.0  # s from one recording to the next
WITHIN_STRONGEST, WITHIN = 1.0, 2.0  # s, of score.py
WINDOW = 60.0  # s, of score.py
DEFAULT_RATE = 0.5  # false-discovery rate of the other methods, the default of the picker
RATES = (0.1, 0.2, 0.3, 0.5)
PER_DAY = 1.0
N_SHIFTS = 200
SHIFT_SEED = 0
SEEDS = (0, 1)
QUICK_EVERY = 6  # recordings of a quick run
STARTING = "starting network, calibrated"
TARGETS: dict[Phase, dict[str, float]] = {
    "P": {"strongest": 0.72, "usable": 0.78},
    "S": {"strongest": 0.5, "usable": 0.6},
}
LIMITS: dict[Phase, dict[str, float]] = {
    "P": {"picks per recording": 6.0, "reliability error": 0.1},
    "S": {"picks per recording": 6.0, "reliability error": 0.15},
}
MAX_RATIO = 1.5  # of the stated and the achieved false share


@dataclass(frozen=True, eq=False)
class Regional:
    """Regional recordings of one station with the onsets that an analyst listed.

    Attributes
    ----------
    components : ndarray, shape (n_recordings, 3, n_samples)
        Raw east, north and vertical.
    rate : float
        Hz.
    listed : dict of str to list of ndarray
        For P and S: listed onsets of each recording, in s after its start.
    """

    components: NDArray[np.float32]
    rate: float
    listed: dict[Phase, list[Times]]

    @property
    def duration(self) -> float:
        """Length of a recording in s."""
        return self.components.shape[2] / self.rate

    @property
    def days(self) -> float:
        """Length of all recordings in days."""
        return len(self.components) * self.duration / SECONDS_A_DAY


@dataclass(frozen=True, eq=False)
class PhasePicks:
    """Picks of one phase.

    Attributes
    ----------
    number : ndarray of int, shape (n_picks,)
        Recording of each.
    seconds : ndarray, shape (n_picks,)
        After the start of that recording.
    probability : ndarray, shape (n_picks,)
        Stated probability, or height of a candidate.
    """

    number: NDArray[np.int64]
    seconds: Times
    probability: Times

    def of(self, number: int) -> PhasePicks:
        """Return the picks of a recording."""
        inside = self.number == number
        return PhasePicks(self.number[inside], self.seconds[inside], self.probability[inside])


@dataclass(frozen=True, eq=False)
class Outcome:
    """Picks of a method at its operating point.

    Attributes
    ----------
    picks : dict of str to PhasePicks
        Of P and S.
    candidates : dict of str to PhasePicks
        The same without a threshold.
    stated : dict of str to float
        Stated false-discovery rate; None where no pick reaches the threshold.
    """

    picks: ByPhase
    candidates: ByPhase
    stated: dict[Phase, float | None]


def run(quick: bool) -> Iterator[Measured]:
    data = regional_recordings(QUICK_EVERY if quick else 1)
    tables: dict[Phase, list[Row]] = {phase: [] for phase in PHASES}
    operating_points: list[Row] = []
    with TemporaryDirectory() as folder:
        write_recordings(data, Path(folder))
        recording = open_recording(folder)
        began = time.process_time()
        picker = Picker().calibrate(recording)
        outcome = outcome_of(picker, recording)
        _add(tables, STARTING, outcome, time.process_time() - began, data)
        _add_null(tables, outcome, data)
        operating_points += _operating_points(picker, recording, data)
        yield _measured(tables, operating_points, data)
        others: list[Outcome] = []
        supported: list[Row] = []
        for method in (sta_lta_aic(), untrained(picker, data.components[0]), *peers()):
            began = time.process_time()
            of_method = calibrated(method, data)
            _add(tables, f"{method.name}, calibrated", of_method, time.process_time() - began, data)
            if method.kind == "peer":
                others.append(_above_usual(of_method, method))
                supported = [supported_scores(outcome, others, data, phase) for phase in PHASES]
            yield _measured(tables, operating_points, data, supported)
        for seed in () if quick else SEEDS:
            began = time.process_time()
            trained = Picker(seed=seed).fit(recording)
            of_trained = outcome_of(trained, recording)
            _add(tables, f"trained in place, seed {seed}", of_trained, time.process_time() - began, data)
            yield _measured(tables, operating_points, data, supported)


def regional_recordings(every: int = 1) -> Regional:
    """Read the recordings and the analyst's onsets, or every so many of them."""
    with np.load(data_folder() / "stations" / "arces" / "arces.npz") as content:
        rate = float(content["sampling_rate"])
        listed: dict[Phase, list[Times]] = {
            phase: [row[row > 0] / rate for row in content[key][::every]]
            for phase, key in zip(PHASES, ("p_samples", "s_samples"), strict=True)
        }
        return Regional(content["data"][::every], rate, listed)


def write_recordings(data: Regional, folder: Path) -> None:
    """Write each recording as a file of station ZZ.ARC, a fixed time after the one before it."""
    from obspy import Stream, Trace, UTCDateTime

    for number, components in enumerate(data.components):
        start = UTCDateTime(str(FIRST)) + SPACING * number
        head = {"network": "ZZ", "station": "ARC", "sampling_rate": data.rate, "starttime": start}
        traces = [
            Trace(samples, head | {"channel": f"BH{component}"})
            for samples, component in zip(components, "ENZ", strict=True)
        ]
        Stream(traces).write(str(folder / f"{number:03d}.mseed"), "MSEED")


def outcome_of(picker: Picker, recording: xr.DataArray) -> Outcome:
    """Pick the recordings as a user does, at the picker's operating point."""
    known = picker.false_discovery_.phases
    return Outcome(
        by_recording(picker.pick(recording)),
        by_recording(picker.pick(recording, min_probability=0.0)),
        {phase: _stated(known[phase], threshold) for phase, threshold in picker.threshold_.items()},
    )


def by_recording(picks: list[Pick]) -> ByPhase:
    """Sort picks into their recordings."""
    sorted_picks: ByPhase = {}
    for phase in PHASES:
        of_phase = [pick for pick in picks if pick.phase == phase]
        times = np.array([pick.time for pick in of_phase], "datetime64[ns]")
        seconds = (times - FIRST) / np.timedelta64(1, "ns") / 1e9
        number = np.floor(seconds / SPACING).astype(np.int64)
        probability = np.array([pick.probability for pick in of_phase], float)
        sorted_picks[phase] = PhasePicks(number, seconds - SPACING * number, probability)
    return sorted_picks


def _stated(known: TargetsAndDecoys, threshold: float) -> float | None:
    """Return the false-discovery rate at a threshold, or None where no pick reaches it."""
    return float(known.false_discovery_rate(threshold)) if (known.targets >= threshold).any() else None


def calibrated(method: Method, data: Regional, max_rate: float = DEFAULT_RATE) -> Outcome:
    """Pick with any method, at the threshold from its own picks of the recordings in forward and reversed time.

    Parameters
    ----------
    method : Method
        Its heights need not be probabilities.
    data : Regional
        The recordings.
    max_rate : float
        Accepted false-discovery rate.
    """
    candidates = _candidates(method, data.components, data.rate)
    decoys = _candidates(method, data.components[:, :, ::-1], data.rate)
    picks: ByPhase = {}
    stated: dict[Phase, float | None] = {}
    for phase in PHASES:
        found = candidates[phase]
        known = TargetsAndDecoys(_falling(found.probability), _falling(decoys[phase].probability), LOWEST)
        threshold = known.threshold(max_rate)
        above = found.probability >= threshold
        probability = np.interp(found.probability[above], *known.probability_knots())
        picks[phase] = PhasePicks(found.number[above], found.seconds[above], probability)
        stated[phase] = _stated(known, threshold)
    return Outcome(picks, candidates, stated)


def _candidates(method: Method, recordings: Components, rate: float) -> ByPhase:
    """Return the onset candidates of all recordings, with their heights."""
    found: list[Onsets] = [method.onsets(np.ascontiguousarray(components), rate) for components in recordings]
    candidates: ByPhase = {}
    for phase in PHASES:
        of_phase = [onsets[phase] for onsets in found]
        number = np.repeat(np.arange(len(of_phase)), [len(onsets) for onsets in of_phase])
        seconds, height = np.concatenate(of_phase).T
        candidates[phase] = PhasePicks(number, seconds, height)
    return candidates


def _falling(heights: Times) -> Times:
    return np.sort(heights)[::-1]


def strongest_hits(picks: PhasePicks, listed: list[Times]) -> NDArray[np.bool_]:
    """Return, for each recording with listed onsets, whether its strongest pick is right, as score.py does.

    The strongest pick is that of a window of 60 s about the first listed onset, placed at random.
    """
    hits = []
    for number, truth in enumerate(listed):
        if not len(truth):
            continue
        start = truth[0] - WINDOW / 2 + np.random.default_rng(number).uniform(-WINDOW / 4, WINDOW / 4)
        here = picks.of(number)
        near = (here.seconds >= start) & (here.seconds <= start + WINDOW)
        if not near.any():
            hits.append(False)
            continue
        best = here.seconds[near][here.probability[near].argmax()]
        hits.append(bool(np.abs(best - truth).min() <= WITHIN_STRONGEST))
    return np.array(hits, bool)


def right_picks(picks: PhasePicks, listed: list[Times]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which picks are within 2 s of a listed onset, and which can be judged at all.

    Picks of a recording without a listed onset of their phase cannot be judged.
    """
    right, judged = np.zeros(len(picks.seconds), bool), np.zeros(len(picks.seconds), bool)
    for index, (number, seconds) in enumerate(zip(picks.number, picks.seconds, strict=True)):
        truth = listed[number]
        judged[index] = len(truth) > 0
        right[index] = bool((np.abs(seconds - truth) <= WITHIN).any())
    return right, judged


def usable_recordings(picks: PhasePicks, listed: list[Times]) -> NDArray[np.bool_]:
    """Return, for each recording with listed onsets, whether any pick is within 2 s of one."""
    right, _ = right_picks(picks, listed)
    return np.isin([number for number, truth in enumerate(listed) if len(truth)], picks.number[right])


def scores(picks: PhasePicks, data: Regional, phase: Phase) -> Row:
    """Return the scores of the picks of one phase."""
    listed = data.listed[phase]
    right, judged = right_picks(picks, listed)
    row: Row = {}
    for name, hits in (
        ("strongest", strongest_hits(picks, listed)),
        ("usable", usable_recordings(picks, listed)),
    ):
        row |= {
            name: float(hits.mean()),
            f"{name} 95%": list(binomial_interval(int(hits.sum()), len(hits))),
        }
    row |= {"picks per recording": len(picks.seconds) / len(data.components)}
    if not judged.any():
        return row | dict.fromkeys(("right share", "achieved false share", "reliability error"))
    share = float(right[judged].mean())
    error = reliability_error(picks.probability[judged], right[judged])
    return row | {"right share": share, "achieved false share": 1 - share, "reliability error": error}


def reliability_error(stated: Times, true: NDArray[np.bool_]) -> float:
    """Return the mean difference of stated probability and observed share over ten bins, weighted by their picks."""
    bins = reliability(stated, true)
    return sum(known.count * abs(known.stated - known.observed) for known in bins) / len(stated)


def shifted_scores(picks: PhasePicks, data: Regional, phase: Phase) -> Row:
    """Return the mean scores of picks that are shifted by a random time in each recording, with 95% intervals."""
    rng = np.random.default_rng(SHIFT_SEED)
    drawn: dict[str, list[float]] = {"strongest": [], "usable": [], "right share": []}
    listed = data.listed[phase]
    for _ in range(N_SHIFTS):
        by = rng.uniform(0, data.duration, len(data.components))
        seconds = (picks.seconds + by[picks.number]) % data.duration
        shifted = PhasePicks(picks.number, seconds, picks.probability)
        right, judged = right_picks(shifted, listed)
        drawn["strongest"].append(float(strongest_hits(shifted, listed).mean()))
        drawn["usable"].append(float(usable_recordings(shifted, listed).mean()))
        drawn["right share"].append(float(right[judged].mean()) if judged.any() else 0.0)
    row: Row = {}
    for name in ("strongest", "usable"):
        row |= {
            name: float(np.mean(drawn[name])),
            f"{name} 95%": np.quantile(drawn[name], (0.025, 0.975)).tolist(),
        }
    share = float(np.mean(drawn["right share"]))
    return row | {
        "picks per recording": len(picks.seconds) / len(data.components),
        "right share": share,
        "achieved false share": 1 - share,
    }


def supported_scores(outcome: Outcome, others: list[Outcome], data: Regional, phase: Phase) -> Row:
    """Compare stated and observed shares, where a pick is right if an analyst or another method has it within 2 s.

    Parameters
    ----------
    outcome : Outcome
        Picks of the method.
    others : list of Outcome
        Picks of methods that share neither weights nor training data with it, as their users take them.
    data : Regional
        The recordings.
    phase : str
        P or S.
    """
    picks = outcome.picks[phase]
    right, _ = right_picks(picks, data.listed[phase])
    support = _is_supported(picks.seconds, picks.number, others, phase)
    rng = np.random.default_rng(SHIFT_SEED)
    by_chance = []
    for _ in range(N_SHIFTS):
        by = rng.uniform(0, data.duration, len(data.components))[picks.number]
        shifted = (picks.seconds + by) % data.duration
        by_chance.append(float(_is_supported(shifted, picks.number, others, phase).mean()))
    return {
        "phase": phase,
        "picks": len(picks.seconds),
        "stated false share": outcome.stated[phase],
        "neither listed nor supported": float(1 - (right | support).mean()),
        "supported": float(support.mean()),
        "supported by chance (null)": float(np.mean(by_chance)),
        "reliability error": reliability_error(picks.probability, right | support),
    }


def _above_usual(outcome: Outcome, method: Method) -> Outcome:
    """Return the picks of a peer that reach the height at which its users take them."""
    picks: ByPhase = {}
    for phase, found in outcome.candidates.items():
        high = found.probability >= method.bar[phase]
        picks[phase] = PhasePicks(found.number[high], found.seconds[high], found.probability[high])
    return Outcome(picks, outcome.candidates, outcome.stated)


def _is_supported(
    seconds: Times, number: NDArray[np.int64], others: list[Outcome], phase: Phase
) -> NDArray[np.bool_]:
    """Return which picks another method has within 2 s in the same recording."""
    theirs = np.concatenate(
        [SPACING * other.picks[phase].number + other.picks[phase].seconds for other in others]
    )
    distance = np.abs((SPACING * number + seconds)[:, None] - theirs)
    return np.asarray(distance.min(axis=1, initial=np.inf) <= WITHIN)


def _add(tables: dict[Phase, list[Row]], name: str, outcome: Outcome, cpu_s: float, data: Regional) -> None:
    for phase in PHASES:
        row = {"method": name, **scores(outcome.picks[phase], data, phase)}
        row["stated false share"] = outcome.stated[phase]
        hits = strongest_hits(outcome.candidates[phase], data.listed[phase])
        row |= {"strongest without a threshold": float(hits.mean()), "CPU s, both phases": cpu_s}
        tables[phase].append(row)
        progress(f"{phase}, {name}: {row}")


def _add_null(tables: dict[Phase, list[Row]], outcome: Outcome, data: Regional) -> None:
    for phase, rows in tables.items():
        rows.append(
            {"method": "the same picks, shifted (null)", **shifted_scores(outcome.picks[phase], data, phase)}
        )


def _operating_points(picker: Picker, recording: xr.DataArray, data: Regional) -> list[Row]:
    """Compare the picks of one calibrated picker at several requests; nothing is trained or calibrated again."""
    asked = {f"false-discovery rate {rate:g}": OperatingPoint(rate) for rate in RATES}
    asked["one false alarm a day"] = OperatingPoint(DEFAULT_RATE, PER_DAY)
    return [
        {"asked": name} | _operating_point(point, picker, recording, data) for name, point in asked.items()
    ]


def _operating_point(point: OperatingPoint, picker: Picker, recording: xr.DataArray, data: Regional) -> Row:
    picks = by_recording(picker.pick(recording, **asdict(point)))
    thresholds, known = picker.model_.thresholds(point), picker.false_discovery_.phases
    row: Row = {}
    for phase in PHASES:
        scored = scores(picks[phase], data, phase)
        row |= {
            f"{phase} threshold": thresholds[phase] if np.isfinite(thresholds[phase]) else "none",
            f"{phase} picks": len(picks[phase].seconds),
            f"{phase} usable": scored["usable"],
            f"{phase} stated": _stated(known[phase], thresholds[phase]),
            f"{phase} achieved": scored["achieved false share"],
        }
    return row


def _measured(
    tables: dict[Phase, list[Row]],
    operating_points: list[Row],
    data: Regional,
    supported: list[Row] | None = None,
) -> Measured:
    settings = {
        "recordings": f"{len(data.components)} of {data.duration:g} s at {data.rate:g} Hz, {data.days:.2f} days",
        "with listed onsets": {phase: sum(len(t) > 0 for t in data.listed[phase]) for phase in PHASES},
        "role of the data": "development set: looked at and tuned on",
        "strongest": "strongest pick of a window of 60 s is within 1 s of a listed onset",
        "usable": "any pick is within 2 s of a listed onset",
        "right share": "picks within 2 s of a listed onset, in recordings with one; analysts list one event each",
        "operating point": f"false-discovery rate {DEFAULT_RATE:g} for all methods, from their own reversed picks",
        "supported": "a peer has a pick of the same phase within 2 s, at the height at which its users take it",
        "null": f"picks shifted by a random time in each recording, {N_SHIFTS} times",
        "trained": f"{len(SEEDS)} seeds, without labels, on the recordings themselves",
        "peers": peers_note(),
    }
    return Measured(
        "The starting network, calibrated on 66 regional recordings of one array without labels, returns usable picks.",
        settings,
        [
            *(Table(f"{phase} at the default operating point", rows) for phase, rows in tables.items()),
            Table("The starting network at other operating points", operating_points),
            *(
                [Table("Picks of the starting network that analysts listed or a peer supports", supported)]
                if supported
                else []
            ),
        ],
        _findings(tables, supported or []),
    )


def _findings(tables: dict[Phase, list[Row]], supported: list[Row]) -> list[str]:
    """Say which targets the untouched defaults reach."""
    by_peers = {row["phase"]: row for row in supported}
    findings = []
    for phase, rows in tables.items():
        row, null = rows[0], rows[1]
        for name, target in TARGETS[phase].items():
            state = "reached" if row[name] >= target else "MISSED"
            findings.append(
                f"{state}: {phase} {name} {row[name]:.2f}, target {target:g}, null {null[name]:.2f}"
            )
        known = row | {"truth": "listed, an upper bound of the error"}
        if phase in by_peers:
            known |= by_peers[phase] | {"truth": "listed or supported by a peer"}
            known["achieved false share"] = known["neither listed nor supported"]
        for name, limit in LIMITS[phase].items():
            value = known[name]
            state = "reached" if value is not None and value <= limit else "MISSED"
            findings.append(f"{state}: {phase} {name} {_number(value)}, at most {limit:g} ({known['truth']})")
        stated, achieved = known["stated false share"], known["achieved false share"]
        fits = stated and achieved is not None and 1 / MAX_RATIO <= achieved / stated <= MAX_RATIO
        state = "reached" if fits else "MISSED"
        findings.append(
            f"{state}: {phase} stated false share {_number(stated)}, achieved {_number(achieved)} "
            f"({known['truth']}), within a factor {MAX_RATIO:g}"
        )
    return sorted(findings)


def _number(value: float | None) -> str:
    return "none (no picks)" if value is None else f"{value:.2f}"
