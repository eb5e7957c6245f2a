"""Networks by name: the parts of a name, and refusals in one line."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from selfseis.errors import InputError
from selfseis.foreign_networks.picker_registry import PickerName, network_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seisbench:PhaseNet/original", PickerName("seisbench", "PhaseNet/original")),
        ("seisbench:PhaseNet/original?as_if=1", PickerName("seisbench", "PhaseNet/original", {}, True)),
        ("onnx:a?b.onnx?rate=50&as_if=0", PickerName("onnx", "a?b.onnx", {"rate": "50"})),
        ("onnx:what?.onnx", PickerName("onnx", "what?.onnx")),
        ("picks:C:/picks.csv", PickerName("picks", "C:/picks.csv")),
    ],
)
def test_the_parts_of_a_name(text: str, expected: PickerName) -> None:
    assert PickerName.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "picker must be one of"),
        ("PhaseNet/original", "picker must be one of"),
        ("onnx:", "picker must be one of"),
        ("keras:net.h5", "picker must be one of .* got keras:net.h5"),
        ("obspy:ar_pick?as_if=yes", "as_if of .* must be 0 or 1, got yes"),
        ("seisbench:PhaseNet/original?rate=50", "has no setting rate"),
        ("picks:a.csv?rate=50", "has no setting rate"),
        ("obspy:pk_baer", "known are obspy:recursive_sta_lta, obspy:ar_pick"),
        ("picks:a.csv", "is a table of picks"),
    ],
)
def test_other_names_are_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        network_of(text, 100.0)
    assert "\n" not in str(caught.value)


def test_a_file_of_torch_export_is_refused_and_nothing_in_it_runs(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "executed",))

    file = tmp_path / "net.pt2"
    file.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(InputError, match=r"cannot be loaded safely.* give onnx:FILE"):
        network_of(f"exported:{file}", 100.0)
    assert not (tmp_path / "executed").exists()
