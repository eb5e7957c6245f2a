"""Sample recordings of the demo: content, search path, and safety against hostile files."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from selfseis.errors import InputError
from selfseis.recording import is_fibre, sampling_rate, start_time
from selfseis.samples import mine_geophones, mine_manual_picks, piton_day, porotomo_earthquake


def installed(open_sample: Callable):
    try:
        return open_sample()
    except InputError as missing:
        if "is not installed" in str(missing):
            pytest.skip(str(missing))
        raise


def test_porotomo_is_a_fibre_of_500_channels() -> None:
    recording = installed(porotomo_earthquake)
    assert recording.shape == (500, 5000) and recording.dtype == np.float32 and is_fibre(recording)
    assert sampling_rate(recording) == 100.0 and recording.attrs["gauge_length"] == 10.0
    np.testing.assert_array_equal(recording["distance"], 2520.0 + np.arange(500))
    assert str(start_time(recording)) == "2016-03-21T07:37:30.532309000"
    samples = recording.values
    assert np.isfinite(samples).all() and samples[0, 0] == np.float32(-0.03020491025831995)


def test_piton_is_a_day_of_three_stations_on_the_volcano() -> None:
    recording = installed(piton_day)
    assert recording.shape == (3, 8_640_000) and sampling_rate(recording) == 100.0
    assert list(recording["seed_id"].values) == ["YA.UV05.00.HHZ", "YA.UV06.00.HHZ", "YA.UV10.00.HHZ"]
    assert str(start_time(recording))[:19] == "2010-09-01T00:00:00"
    # what pyproj 3.7.2 gives for EPSG:32740
    np.testing.assert_allclose(recording["latitude"], [-21.24861814, -21.23979137, -21.28373352], atol=1e-7)
    np.testing.assert_allclose(recording["longitude"], [55.71408863, 55.75246711, 55.72497392], atol=1e-6)
    np.testing.assert_array_equal(recording["elevation"], [2523, 1413, 1806])
    part = recording.isel(time=slice(4_000_000, 4_010_000)).values
    assert np.isfinite(part).mean() > 0.5 and np.nanstd(part) > 0


def test_mine_is_five_events_on_36_channels_with_coordinates() -> None:
    recordings = installed(mine_geophones)
    assert len(recordings) == 5
    assert all(
        recording.shape == (36, 7501) and sampling_rate(recording) == 500.0 for recording in recordings
    )
    starts = [start_time(recording) for recording in recordings]
    assert starts == sorted(starts)
    assert np.isfinite(recordings[0]["latitude"].values).all()
    assert recordings[0]["latitude"].sel(seed_id="1.10.1.DPZ") == pytest.approx(47.68296693)


def test_manual_picks_fall_into_their_recordings() -> None:
    picks, recordings = installed(mine_manual_picks), installed(mine_geophones)
    assert dict(picks["phase"].value_counts()) == {"P": 43, "S": 7}
    assert set(picks["event"]) == {0, 1, 2, 3, 4}
    for pick in picks.itertuples():
        recording = recordings[pick.event]
        assert pick.seed_id in recording["seed_id"].values
        after = (pick.time.to_datetime64() - start_time(recording)) / np.timedelta64(1, "s")
        assert 1 < after < 14
    assert (picks["sd_s"] > 0).all()


@pytest.fixture
def porotomo_file(tmp_path, monkeypatch) -> Path:
    """Return the path that porotomo_earthquake reads."""
    path = tmp_path / "daspy" / "core" / "example.pkl"
    path.parent.mkdir(parents=True)
    monkeypatch.setenv("SELFSEIS_SAMPLES", str(tmp_path))
    return path


class RunsCommand:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


class Evaluates(RunsCommand):
    def __reduce__(self):
        return eval, (f"open({str(self.marker)!r}, 'w').close()",)


class StartsProcess(RunsCommand):
    def __reduce__(self):
        return subprocess.call, (["touch", str(self.marker)],)


@pytest.mark.parametrize("attack", [RunsCommand, Evaluates, StartsProcess])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_hostile_pickle_runs_nothing(porotomo_file, tmp_path, attack, protocol) -> None:
    marker = tmp_path / "it_ran"
    hostile = {"data": np.zeros((2, 3)), "fs": 100.0, "start_time": attack(marker)}
    porotomo_file.write_bytes(pickle.dumps(hostile, protocol))
    with pytest.raises(InputError, match=r"was not read: it asks for \w+\.\w+$"):
        porotomo_earthquake()
    assert not marker.exists()
    pickle.loads(porotomo_file.read_bytes())
    assert marker.exists(), "the attack of this test does not work, so the test proves nothing"


@pytest.mark.parametrize("name", ["ndarray.dump", "ndarray.tofile", "fromfile", "load", "testing"])
def test_the_rest_of_numpy_is_out_of_reach(porotomo_file, name) -> None:
    porotomo_file.write_bytes(b"\x80\x04\x8c\x05numpy\x8c" + bytes([len(name)]) + name.encode() + b"\x93.")
    with pytest.raises(InputError, match=f"it asks for numpy.{name}"):
        porotomo_earthquake()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        pickle.dumps([1, 2]),
        pickle.dumps(
            {"data": np.zeros(5), "start_time": datetime(2020, 1, 1), "dx": 1, "fs": 1, "start_distance": 0}
        ),
        pickle.dumps(
            {"data": np.zeros((2, 5)), "start_time": timedelta(1), "dx": 1, "fs": 1, "start_distance": 0}
        ),
        pickle.dumps({"data": np.array([[{}]]), "start_time": timedelta(1)}),
    ],
)
def test_a_damaged_file_gives_a_one_line_error(porotomo_file, content) -> None:
    porotomo_file.write_bytes(content)
    with pytest.raises(InputError, match="is not the PoroTomo sample") as caught:
        porotomo_earthquake()
    assert "\n" not in str(caught.value)


def test_a_missing_sample_names_the_command_that_installs_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SELFSEIS_SAMPLES", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for open_sample, command in (
        (porotomo_earthquake, "pip install --no-deps daspy-toolbox"),
        (piton_day, "pip install --no-deps msnoise==1.6.5"),
        (mine_geophones, "pip install --no-deps opsdata-coal-node"),
    ):
        with pytest.raises(InputError, match=command):
            open_sample()


def test_samples_are_found_without_importing_their_packages() -> None:
    code = (
        "import sys, selfseis.samples as s\n"
        "for open_sample in (s.porotomo_earthquake, s.mine_manual_picks):\n"
        "    try: open_sample()\n"
        "    except s.InputError: pass\n"
        "assert not {'daspy', 'msnoise', 'opsdata_coal_node'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
