"""A picker takes whatever `open_recording` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from selfseis.errors import InputError
from selfseis.pick import Picker
from selfseis.recording import open_recording, recording_from_array, write_recording
from short_options import SHORT_PICKER
from standing_in import picker_standing_in

RATE = 100.0


def with_bursts(n_channels: int, **coordinates: Any) -> xr.DataArray:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(n_channels, 9000))
    for at in (2500, 6000):
        data[:, at : at + 400] += 30 * rng.normal(size=(n_channels, 400)) * np.exp(-np.arange(400) / 80)
    return recording_from_array(data.astype(np.float32), RATE, "2024-05-01T06:00:00", **coordinates)


def stations() -> xr.DataArray:
    return with_bursts(6, seed_id=[f"XX.S{number}..HH{code}" for number in range(2) for code in "ENZ"])


def as_path(recording: xr.DataArray, folder: Path) -> Path:
    write_recording(recording, folder / "whole.mseed")
    return folder / "whole.mseed"


def as_paths(recording: xr.DataArray, folder: Path) -> list[Path]:
    for number, part in enumerate((slice(0, 4000), slice(4000, None))):
        write_recording(recording.isel(time=part), folder / f"{number}.mseed")
    return [folder / "0.mseed", folder / "1.mseed"]


def as_stream(recording: xr.DataArray, folder: Path) -> Any:
    import obspy

    return obspy.read(as_path(recording, folder))


@pytest.mark.parametrize("changed", [as_path, as_paths, as_stream])
def test_every_kind_of_input_gives_the_same_picks(changed: Callable[..., Any], tmp_path: Path) -> None:
    recording, picker = stations(), picker_standing_in(RATE)
    data = changed(recording, tmp_path)
    picks = picker.pick(recording)
    assert picks and picker.pick(data) == picks
    assert picker.evaluate(data) == picker.evaluate(recording)
    for found, expected in zip(picker.annotate(data), picker.annotate(recording), strict=True):
        np.testing.assert_array_equal(found.data, expected.data)


def test_a_patch_gives_the_same_picks() -> None:
    dascore = pytest.importorskip("dascore")
    recording = with_bursts(20, distance=10.0 * np.arange(20))
    coords = {name: recording[name].values for name in ("time", "distance")}
    patch = dascore.Patch(data=recording.values.T.copy(), coords=coords, dims=("time", "distance"))
    picks = picker_standing_in(RATE).pick(patch)
    assert picks and picks == picker_standing_in(RATE).pick(open_recording(patch))


def test_training_data_may_be_a_path(tmp_path: Path) -> None:
    recording = stations()
    picker = Picker(rounds=0, options=SHORT_PICKER).fit(as_path(recording, tmp_path))
    assert picker.training_record_.times_in(recording)


def test_a_bare_array_is_refused() -> None:
    with pytest.raises(InputError, match="sampling rate"):
        Picker().fit(np.zeros((3, 9000), np.float32))
