"""Codes and coordinates of traces: repeated, nameless and dotted ones rename nobody else."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.errors import InputError
from selfseis.quality_log import quality_log_of
from selfseis.recording import open_recording, write_recording
from selfseis.recording.components import stations_of
from selfseis.recording.writer import codes_unfit_for_miniseed

obspy = pytest.importorskip("obspy")
BEGIN = obspy.UTCDateTime(2024, 1, 1)


def trace(seed_id: str, seed: int = 0, **extra):
    codes = dict(zip(("network", "station", "location", "channel"), seed_id.split("."), strict=True))
    samples = np.random.default_rng(seed).normal(size=800).astype(np.float32)
    return obspy.Trace(samples, {**codes, "sampling_rate": 100.0, "starttime": BEGIN, **extra})


def stream():
    return obspy.Stream([trace(f"XX.{s}..HH{c}", k) for s in ("A", "B") for k, c in enumerate("ENZ")])


def issues(recording, kind: str) -> list[str]:
    return [issue.detail for issue in quality_log_of(recording).issues if issue.kind == kind]


def test_a_repeated_trace_is_used_once_and_renames_nobody() -> None:
    repeated = stream() + obspy.Stream([trace("XX.A..HHZ", 2), trace("XX.A..HHZ", 2)])
    opened, plain = open_recording(repeated), open_recording(stream())
    assert opened.seed_id.values.tolist() == plain.seed_id.values.tolist()
    np.testing.assert_array_equal(opened.values, plain.values)
    assert "2 traces" in issues(opened, "duplicate")[0]


def test_traces_of_one_code_that_differ_are_masked_and_not_renamed() -> None:
    opened = open_recording(stream() + obspy.Stream([trace("XX.A..HHZ", 7), trace("XX.A..HHZ", 8)]))
    assert "XX.A..HHZ" in opened.seed_id.values and len(opened) == 6
    assert np.isnan(opened.values[2]).all() and np.isfinite(np.delete(opened.values, 2, axis=0)).all()


def test_a_nameless_trace_is_numbered_alone() -> None:
    opened = open_recording(stream() + trace("...HHZ", 5))
    assert opened.seed_id.values.tolist() == ["XX.00007..HHZ", *open_recording(stream()).seed_id.values]
    assert "trace 7" in issues(opened, "assumed")[0]


def test_an_array_without_codes_is_numbered() -> None:
    array = obspy.Stream([trace("XX.ARR..Z", k) for k in range(4)])
    assert open_recording(array).seed_id.values.tolist() == [f"XX.{k:05d}..Z" for k in range(1, 5)]


def test_dots_in_codes_do_not_shift_them(tmp_path) -> None:
    trace("XX.A..Z").copy().write(str(tmp_path / "a.sac"), format="SAC")
    dotted = obspy.read(str(tmp_path / "a.sac"))
    dotted[0].stats.station = "A.1"
    opened = open_recording(dotted)
    assert opened.seed_id.values.tolist() == ["XX.A-1..Z"] and "dot" in issues(opened, "assumed")[0]


@pytest.mark.parametrize("orientation", [False, True])
def test_a_missing_channel_code_comes_from_the_header_or_the_name(tmp_path, orientation) -> None:
    angles = {"E": (90, 90), "N": (0, 90), "Z": (0, 0)}
    for number, letter in enumerate("ENZ"):
        one = trace("XX.TEN..", number)
        if orientation:
            one.stats.sac = dict(zip(("cmpaz", "cmpinc"), angles[letter], strict=True))
        name = f"XX.TEN.{number}.SAC" if orientation else f"XX.TEN.{letter}.SAC"
        one.write(str(tmp_path / name), format="SAC")
    opened = open_recording(tmp_path)
    assert opened.seed_id.values.tolist() == [f"XX.TEN..{letter}" for letter in "ENZ"]
    assert len(stations_of(opened)) == 1 and len(issues(opened, "assumed")) == 3


def test_components_that_cannot_be_told_apart_are_refused(tmp_path) -> None:
    for number in range(3):
        trace("XX.TEN..", number).write(str(tmp_path / f"{number}.sac"), format="SAC")
    with pytest.raises(InputError, match="no channel code"):
        open_recording(tmp_path)


def test_a_stream_has_the_coordinates_of_its_files(tmp_path) -> None:
    one = trace("XX.A..DPZ")
    one.stats.sac = {"stla": 42.0, "stlo": 13.0, "stel": 100.0}
    one.write(str(tmp_path / "a.sac"), format="SAC")
    from_file, from_stream = (
        open_recording(s) for s in (tmp_path / "a.sac", obspy.read(str(tmp_path / "a.sac")))
    )
    for name in ("latitude", "longitude", "elevation"):
        np.testing.assert_array_equal(from_file[name].values, from_stream[name].values)
    placed = open_recording(obspy.Stream([trace("XX.A..Z", coordinates={"latitude": 1.0, "longitude": 2.0})]))
    assert placed.latitude.values.tolist() == [1.0]


def test_codes_that_do_not_fit_are_never_cut_in_miniseed(tmp_path) -> None:
    nodes = open_recording(obspy.Stream([trace(f"XX.NODE000{k}..DPZ", k) for k in range(3)]))
    assert len(codes_unfit_for_miniseed(nodes)) == 3
    with pytest.raises(InputError, match=r"NODE0000.*\.nc"):
        write_recording(nodes, tmp_path / "nodes.mseed")
    assert not list(tmp_path.iterdir())
    write_recording(nodes, tmp_path / "nodes.nc")
    assert open_recording(tmp_path / "nodes.nc").seed_id.values.tolist() == nodes.seed_id.values.tolist()
