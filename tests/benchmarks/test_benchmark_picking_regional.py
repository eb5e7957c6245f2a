"""Scores of picks on regional recordings, their null, and the calibration of any method by its reversed picks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.fibre_noise import data_folder
from benchmarks.picking_methods import Method
from benchmarks.picking_regional import (
    FIRST,
    SPACING,
    Outcome,
    PhasePicks,
    Regional,
    by_recording,
    calibrated,
    regional_recordings,
    reliability_error,
    right_picks,
    scores,
    shifted_scores,
    strongest_hits,
    supported_scores,
    usable_recordings,
)

from selfseis.catalogue.records import PHASES, Pick
from selfseis.errors import InputError

LISTED = [np.array([100.0]), np.array([]), np.array([200.0, 260.0])]


def picks_of(*picks: tuple[int, float, float]) -> PhasePicks:
    number, seconds, probability = np.array(picks, float).reshape(-1, 3).T
    return PhasePicks(number.astype(int), seconds, probability)


def test_right_picks_are_judged_only_where_an_onset_is_listed() -> None:
    picks = picks_of((0, 101.9, 0.5), (0, 103, 0.9), (1, 100, 0.9), (2, 261, 0.4))
    right, judged = right_picks(picks, LISTED)
    assert right.tolist() == [True, False, False, True]
    assert judged.tolist() == [True, True, False, True]
    assert usable_recordings(picks, LISTED).tolist() == [True, True]


def test_only_the_strongest_pick_of_the_window_counts() -> None:
    assert strongest_hits(picks_of((0, 100.5, 0.9), (0, 99, 0.2)), LISTED).tolist() == [True, False]
    assert strongest_hits(picks_of((0, 100.5, 0.2), (0, 97, 0.9)), LISTED).tolist() == [False, False]
    assert strongest_hits(picks_of((0, 100.5, 0.2), (0, 170, 0.9)), LISTED).tolist() == [True, False]


def test_picks_return_to_their_recordings() -> None:
    time = FIRST + np.timedelta64(int((2 * SPACING + 12.5) * 1e9), "ns")
    picks = by_recording([Pick("ZZ.ARC..BHZ", "P", time, 0.7, 0.1)])
    assert (picks["P"].number.tolist(), picks["P"].seconds.tolist()) == ([2], [12.5])
    assert len(picks["S"].seconds) == 0


def test_reliability_error_is_the_distance_from_the_diagonal() -> None:
    assert reliability_error(np.full(10, 0.75), np.arange(10) < 5) == pytest.approx(0.25)
    assert reliability_error(np.repeat([0.2, 0.9], 10), np.arange(20) % 10 < 2) == pytest.approx(0.35)


def test_shifted_picks_are_right_as_often_as_random_times() -> None:
    data = Regional(np.zeros((60, 3, 500), np.float32), 1.0, dict.fromkeys(PHASES, [np.array([250.0])] * 60))
    picks = picks_of(*((number, 250.0, 0.9) for number in range(60)))
    assert scores(picks, data, "P")["usable"] == scores(picks, data, "P")["strongest"] == 1
    null = shifted_scores(picks, data, "P")
    assert null["usable"] == pytest.approx(4 / 500, abs=0.003)
    assert null["right share"] == null["usable"]


def test_a_pick_counts_as_right_where_an_analyst_or_a_peer_has_it() -> None:
    """Of four picks one is listed, one is a peer's, and one is a peer's in another recording."""
    data = Regional(np.zeros((3, 3, 500), np.float32), 1.0, dict.fromkeys(PHASES, LISTED))
    ours = picks_of((0, 101, 0.5), (1, 300, 0.5), (2, 100, 0.5), (2, 400, 0.5))
    theirs = picks_of((1, 301, 0.9), (0, 400, 0.9))
    picks, peer = (Outcome(dict.fromkeys(PHASES, p), {}, dict.fromkeys(PHASES, 0.5)) for p in (ours, theirs))
    row = supported_scores(picks, [peer], data, "P")
    assert (row["neither listed nor supported"], row["supported"]) == (0.5, 0.25)
    assert row["reliability error"] == 0
    assert row["supported by chance (null)"] == pytest.approx(2 / 3 * 4 / 500, abs=0.005)


def test_without_picks_nothing_is_usable() -> None:
    data = Regional(np.zeros((3, 3, 500), np.float32), 1.0, dict.fromkeys(PHASES, LISTED))
    row = scores(picks_of(), data, "S")
    assert (row["usable"], row["strongest"], row["right share"]) == (0, 0, None)


def test_any_method_is_calibrated_by_its_picks_in_reversed_time() -> None:
    """Spikes of the samples are heights; 30 onsets are higher than the noise, which reads the same backwards."""
    rng = np.random.default_rng(0)
    components = np.zeros((60, 3, 4000), np.float32)
    components[:, 2, 150::300] = rng.uniform(0.1, 0.5, (60, 13))
    components[::2, 2, 2100] = 0.9
    components[::2, 2, 2101] = -1  # its reverse is no onset
    listed = [np.array([21.0]) if number % 2 == 0 else np.array([]) for number in range(60)]
    data = Regional(components, 100.0, dict.fromkeys(PHASES, listed))

    def probabilities(window: np.ndarray, rate: float) -> np.ndarray:
        after_drop = np.concatenate([[0], window[2, :-1]]) < 0
        return np.tile(np.where(after_drop, 0, np.maximum(window[2], 0)), (2, 1))

    outcome = calibrated(Method("spikes", "simple", probabilities), data, max_rate=0.1)
    row = scores(outcome.picks["P"], data, "P")
    assert row["usable"] == 1
    assert row["achieved false share"] < 0.2
    assert outcome.stated["P"] <= 0.1
    assert len(outcome.candidates["P"].seconds) == 60 * 13 + 30


def test_scores_are_those_of_score_py(tmp_path: Path) -> None:
    try:
        data, program = regional_recordings(), data_folder() / "stations" / "arces" / "score.py"
    except (InputError, FileNotFoundError) as error:
        pytest.skip(str(error))
    pytest.importorskip("obspy")
    rng = np.random.default_rng(0)
    lines, expected = ["time,phase,probability"], {}
    for phase in PHASES:
        near = [(n, t[0] + rng.normal(0, 1.5), 0.6) for n, t in enumerate(data.listed[phase]) if len(t)]
        noise = [(rng.integers(66), *rng.uniform((0, 0), (540, 1))) for _ in range(300)]
        picks = picks_of(*near, *noise)
        for number, seconds, probability in zip(picks.number, picks.seconds, picks.probability, strict=True):
            time = FIRST + np.timedelta64(int((SPACING * number + seconds) * 1e9), "ns")
            lines.append(f"{time},{phase},{probability}")
        row = scores(picks, data, phase)
        expected[phase] = (
            f"{phase}: strongest within 1 s {row['strongest']:.3f}; usable {row['usable']:.3f} of {len(near)}; "
            f"{row['picks per recording']:.1f} picks per recording"
        )
    (tmp_path / "picks.csv").write_text("\n".join(lines))
    printed = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "picks.csv")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed.splitlines() == list(expected.values())
