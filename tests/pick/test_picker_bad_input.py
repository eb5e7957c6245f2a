"""Picking of unusual input: gaps, clipping, missing components and clock errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from selfseis.consensus.agreement import consensus_above_null
from selfseis.consensus.ps_pairs import Moveout, pair_onsets
from selfseis.io.obspy_import import obspy
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.pseudo_labels import label_onsets
from selfseis.recording import open_recording, recording_from_array
from standing_in import picker_standing_in

RATE = 100.0
S_MINUS_P = (0.3, 26.0)
START = np.datetime64("2020-01-01", "ns")


def stations(data: np.ndarray, codes: str = "ENZ", rate: float = RATE) -> xr.DataArray:
    names = [f"XX.S{row // len(codes):02d}..HH{codes[row % len(codes)]}" for row in range(len(data))]
    return recording_from_array(data.astype(np.float32), rate, START, seed_id=names)


def noise(n_channels: int = 6, n_samples: int = 30_000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_channels, n_samples))


def with_event(at: int, n_channels: int = 3, n_samples: int = 12_000) -> np.ndarray:
    data = noise(n_channels, n_samples, seed=1)
    fading = np.exp(-np.arange(n_samples - at) / 400)
    data[:, at:] += 30 * fading * np.random.default_rng(2).normal(size=(n_channels, n_samples - at))
    return data


def picked_seconds(recording: xr.DataArray) -> np.ndarray:
    picks = picker_standing_in(RATE).pick(recording)
    return np.array([(pick.time - START) / np.timedelta64(1, "s") for pick in picks])


def test_a_gap_inside_an_event_moves_no_onset_and_holds_none() -> None:
    data = with_event(5000)
    data[:, 5120:5500] = np.nan
    seconds = picked_seconds(stations(data))
    assert np.abs(seconds - 50.0).min() < 0.1
    assert not ((seconds > 51.25) & (seconds < 54.95)).any()


def test_a_clipped_event_keeps_its_onset() -> None:
    data = with_event(5000)
    whole = picked_seconds(stations(data))
    clipped = stations(np.clip(data, -30, 30))
    assert np.isnan(clipped.values).any() or np.abs(clipped.values).max() <= 30
    seconds = picked_seconds(clipped)
    assert np.abs(whole - 50.0).min() < 0.1 and np.abs(seconds - 50.0).min() < 0.1


def test_one_component_of_three_is_enough_for_a_pick() -> None:
    data = with_event(5000)
    data[:2] = 0
    assert np.abs(picked_seconds(stations(data)) - 50.0).min() < 0.1


def test_swapped_and_flipped_components_give_picks_at_the_same_times() -> None:
    data = with_event(5000)
    seconds = picked_seconds(stations(data))
    np.testing.assert_allclose(picked_seconds(stations(-data[[1, 0, 2]])), seconds)


def test_a_dead_station_has_no_picks_and_does_not_affect_others() -> None:
    data = np.concatenate([with_event(5000), np.zeros((3, 12_000))])
    picks = picker_standing_in(RATE).pick(stations(data))
    assert {pick.station for pick in picks} == {"XX.S00."}


def test_where_time_stamps_jump_picks_follow_the_stamps(tmp_path: Path) -> None:
    obspy()
    from obspy import Stream, Trace, UTCDateTime

    data = with_event(9000)[2].astype(np.float32)
    header = {"network": "XX", "station": "A", "channel": "HHZ", "sampling_rate": RATE}
    begin = UTCDateTime(2020, 1, 1)
    parts = [Trace(data[:6000], header), Trace(data[6000:], header)]
    parts[0].stats.starttime, parts[1].stats.starttime = begin, begin + 60 + 1.5
    path = tmp_path / "jump.mseed"
    Stream(parts).write(str(path), format="MSEED")
    assert np.abs(picked_seconds(open_recording(str(path))) - 91.5).min() < 0.1


def onsets_of(origins: np.ndarray, travel: float, rate: float = RATE, seed: int = 0) -> OnsetCandidates:
    rng = np.random.default_rng(seed)
    heights = rng.uniform(0.6, 1, (2, len(origins)))
    p, s = origins + travel, origins + 1.73 * travel
    return OnsetCandidates(*(np.column_stack([at * rate, h]) for at, h in zip((p, s), heights, strict=True)))


def positives_by_station(found: list[OnsetCandidates], moveout: Moveout, length: float) -> list[int]:
    pairs = [pair_onsets(onsets.p / (RATE, 1), onsets.s / (RATE, 1), S_MINUS_P) for onsets in found]
    consensus = consensus_above_null(pairs, moveout, spans=np.array([[0.0, length]]))
    return [len(label.positives) for label in label_onsets(found, consensus, 0.15, RATE, moveout, S_MINUS_P)]


def test_positives_of_a_station_with_a_clock_error_are_only_at_correct_times() -> None:
    origins = np.sort(np.random.default_rng(0).uniform(100, 35_000, 60))
    late = np.where(origins > 18_000, 5.0, 0.0)
    found = [
        onsets_of(origins, 4.0, seed=1),
        onsets_of(origins, 6.0, seed=2),
        onsets_of(origins + late, 5.0, seed=3),
    ]
    positives = positives_by_station(found, Moveout.without_coordinates(3, RATE), 36_000)
    n_right = int((late == 0).sum())
    assert min(positives[:2]) >= 55 and abs(positives[2] - n_right) <= 3


def test_a_station_far_outside_neither_confirms_nor_disturbs() -> None:
    origins = np.sort(np.random.default_rng(0).uniform(100, 35_000, 60))
    far = onsets_of(np.sort(np.random.default_rng(5).uniform(100, 35_000, 60)), 5.0, seed=4)
    near = [onsets_of(origins, 4.0, seed=1), onsets_of(origins, 6.0, seed=2)]
    moveout = Moveout.from_coordinates(np.array([0.0, 0.2, 18.0]), np.array([0.0, 0.1, 0.0]), RATE)
    positives = positives_by_station([*near, far], moveout, 36_000)
    assert min(positives[:2]) >= 50 and positives[2] <= 6


def test_two_sensors_of_one_site_have_no_consensus() -> None:
    origins = np.sort(np.random.default_rng(0).uniform(100, 35_000, 60))
    both = [onsets_of(origins, 4.0, seed=1), onsets_of(origins, 4.0, seed=2)]
    assert min(positives_by_station(both, Moveout.without_coordinates(2, RATE), 36_000)) >= 55
    same = Moveout.without_coordinates(2, RATE).separate_sites(["XX.A", "XX.A"])
    assert positives_by_station(both, same, 36_000) == [0, 0]
