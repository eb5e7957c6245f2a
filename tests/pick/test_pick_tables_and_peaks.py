"""Tables of picks, and picks as peaks of a probability."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.catalogue.records import Pick
from selfseis.catalogue.tables import read_picks, write_picks
from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.pick.inference import onsets_of, peaks_of
from selfseis.pick.options import InferenceOptions

START = np.datetime64("2014-05-01T00:00:00", "ns")


def pick(seconds: float, seed_id: str = "CX.PB01..HHZ", phase: str = "P", probability: float = 0.9) -> Pick:
    return Pick(seed_id, phase, START + np.timedelta64(round(seconds * 1e9), "ns"), probability, 0.02)  # type: ignore[arg-type]


def gaussian(middle: float, n_samples: int = 200, sd: float = 10.0) -> np.ndarray:
    return np.exp(-0.5 * ((np.arange(n_samples) - middle) / sd) ** 2)


def test_picks_come_back_in_the_order_of_time(tmp_path: Path) -> None:
    written = [pick(12.5, "CX.PB01..HHN", "S", 0.75), pick(3.000123), pick(3.000123, "CX.PB02.00.HHZ")]
    write_picks(written, tmp_path)
    assert read_picks(tmp_path) == read_picks(tmp_path / "picks.csv") == [written[1], written[2], written[0]]
    lines = (tmp_path / "picks.csv").read_text().splitlines()
    assert lines[0] == "seed_id,phase,time,probability,sd_s"
    assert lines[1] == "CX.PB01..HHZ,P,2014-05-01T00:00:03.000123Z,0.9000,0.0200"


def test_obspy_reads_the_quakeml(tmp_path: Path) -> None:
    write_picks([pick(3.25), pick(5.5, "CX.PB01..HHN", "S", 0.75)], tmp_path, name="arrivals")
    catalogue = obspy().read_events(str(tmp_path / "arrivals.xml"))
    first, second = catalogue[0].picks
    assert (first.waveform_id.get_seed_string(), first.phase_hint) == ("CX.PB01..HHZ", "P")
    assert str(first.time) == "2014-05-01T00:00:03.250000Z"
    assert first.time_errors.uncertainty == 0.02
    assert (second.waveform_id.channel_code, second.phase_hint) == ("HHN", "S")
    assert "0.7500" in second.comments[0].text
    assert catalogue[0].origins == []


def test_an_empty_list_of_picks_is_written(tmp_path: Path) -> None:
    write_picks([], tmp_path)
    assert read_picks(tmp_path) == []
    assert obspy().read_events(str(tmp_path / "picks.xml"))[0].picks == []


def test_a_channel_of_a_fibre_is_its_own_station(tmp_path: Path) -> None:
    assert pick(1.0).station == "CX.PB01."
    on_fibre = pick(1.0, "1250.500")
    assert on_fibre.station == "1250.500"
    write_picks([on_fibre], tmp_path)
    assert read_picks(tmp_path) == [on_fibre]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed_id,phase,time\n", "no column probability, sd_s"),
        ("seed_id,phase,time,probability,sd_s\nA.B..Z,X,2014-05-01,0.5,0.1\n", "line 2 .* neither P nor S"),
        ("seed_id,phase,time,probability,sd_s\nA.B..Z,P,NaT,0.5,0.1\n", "line 2 .*no time"),
        ("seed_id,phase,time,probability,sd_s\nA.B..Z,P,2014-05-01,high,0.1\n", "line 2"),
        ("seed_id,phase,time,probability,sd_s\nA.B..Z,P\n", "line 2"),
    ],
)
def test_an_invalid_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "picks.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_picks(tmp_path)


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_picks(tmp_path / "elsewhere.csv")


@given(middle=st.floats(20, 180), height=st.floats(0.05, 1))
@settings(max_examples=50, deadline=None)
def test_the_top_of_a_gaussian_is_found_between_samples(middle: float, height: float) -> None:
    at, heights = peaks_of(height * gaussian(middle), 0.02, 50)
    assert at == pytest.approx([middle], abs=1e-3)
    assert heights == pytest.approx([height], rel=0.002)


@given(shift=st.integers(0, 300), seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_peaks_move_with_the_samples(shift: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    probability = sum(random.uniform(0.2, 1) * gaussian(middle) for middle in random.uniform(30, 170, 3))
    at, heights = peaks_of(probability, 0.1, 20)
    moved, same = peaks_of(np.concatenate([np.zeros(shift), probability]), 0.1, 20)
    assert moved == pytest.approx(at + shift)
    assert same == pytest.approx(heights)


def test_of_near_peaks_the_highest_stays_and_low_ones_go() -> None:
    probability = np.maximum.reduce([0.9 * gaussian(50), 0.6 * gaussian(85), 0.5 * gaussian(150)])
    assert peaks_of(probability, 0.2, 60)[0] == pytest.approx([50, 150], abs=0.1)
    assert peaks_of(probability, 0.2, 20)[0] == pytest.approx([50, 85, 150], abs=0.1)
    assert peaks_of(probability, 0.55, 20)[0] == pytest.approx([50, 85], abs=0.1)


def test_gaps_plateaus_and_ends_do_no_harm() -> None:
    gappy = gaussian(50)
    gappy[48:60] = np.nan
    assert len(peaks_of(gappy, 0.1, 50)[0]) == 1
    assert peaks_of(np.ones(9), 0.5, 3)[0] == pytest.approx([4], abs=0.51)
    assert peaks_of(gaussian(0.0), 0.5, 3)[0] == pytest.approx([0.0], abs=0.51)
    assert len(peaks_of(np.zeros(0), 0.5, 3)[0]) == len(peaks_of(np.full(5, np.nan), 0.1, 3)[0]) == 0


def test_one_onset_has_one_phase() -> None:
    """Of a P and an S nearer than any S - P the higher one is kept; others are left alone."""
    samples = np.arange(3000.0)

    def bumps(*peaks: tuple[float, float]) -> np.ndarray:
        return sum(height * np.exp(-0.5 * ((samples - at) / 10) ** 2) for at, height in peaks)

    p, s = bumps((500, 0.9), (1500, 0.3)), bumps((510, 0.5), (1485, 0.6), (2500, 0.2))
    (p_at, p_height), (s_at, s_height) = onsets_of(np.stack([p, s]).astype(np.float32), InferenceOptions())
    assert p_at == pytest.approx([500], abs=0.5) and p_height == pytest.approx([0.9], abs=0.01)
    assert s_at == pytest.approx([1485, 2500], abs=0.5) and s_height == pytest.approx([0.6, 0.2], abs=0.01)


def test_a_phase_alone_is_left_alone() -> None:
    probability = np.zeros((2, 600), np.float32)
    probability[1, 300] = 0.5
    (p_at, _), (s_at, _) = onsets_of(probability, InferenceOptions())
    assert len(p_at) == 0 and s_at == pytest.approx([300], abs=0.5)
