"""`selfseis check`: what it prints, and its exit status."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from selfseis.cli.app import app
from selfseis.io.obspy_import import obspy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three components of one station, a station at another rate."""
    rng = np.random.default_rng(12)
    for code, rate in (("HHE", 100.0), ("HHN", 100.0), ("HHZ", 100.0), ("LHZ", 1.0)):
        samples = np.cumsum(rng.integers(-40, 41, round(120 * rate))).astype(np.int32)
        header = {"network": "XX", "station": "ST1", "channel": code, "sampling_rate": rate}
        obspy().Trace(samples, header).write(str(tmp_path / f"{code}.mseed"), format="MSEED")
    return tmp_path


def test_a_folder_is_described(folder: Path) -> None:
    (folder / "LHZ.mseed").unlink()
    done = CliRunner().invoke(app, ["check", str(folder)])
    assert done.exit_code == 0
    assert "3 channels, 100 Hz" in done.output
    assert "east HHE, north HHN, vertical HHZ" in done.output
    assert "coordinates: none" in done.output
    assert "usable samples: 100.0%" in done.output


def test_losses_are_named_and_end_with_status_1(folder: Path) -> None:
    (folder / "XX.ST9..HHZ.D.2021.064").write_bytes(b"")
    done = CliRunner().invoke(app, ["check", str(folder), "--headers-only"])
    assert done.exit_code == 1
    assert "skipped 1 of 4, XX.ST1..LHZ: at 1 Hz, the rest at 100 Hz" in done.output
    assert "XX.ST9..HHZ.D.2021.064: unreadable: the file is empty" in done.output
    assert "usable" not in done.output


def test_a_dead_channel_is_found_by_reading(folder: Path) -> None:
    header = {"network": "XX", "station": "ST2", "channel": "HHZ", "sampling_rate": 100.0}
    obspy().Trace(np.full(12_000, 3, np.int32), header).write(str(folder / "LHZ.mseed"), format="MSEED")
    assert CliRunner().invoke(app, ["check", str(folder), "--headers-only"]).exit_code == 0
    done = CliRunner().invoke(app, ["check", str(folder)])
    assert done.exit_code == 1
    assert "XX.ST2..HHZ: dead" in done.output
