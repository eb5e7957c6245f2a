"""Export of a picker: the same probabilities in the exported module, an ONNX file and a model of SeisBench."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import Result

from selfseis.errors import InputError
from selfseis.foreign_networks.exported_network import ExportedNetwork
from selfseis.foreign_networks.picker_registry import network_of
from selfseis.pick import Picker
from selfseis.pick.export import export_onnx, export_seisbench
from selfseis.pick.inference import Annotator
from selfseis.pick.options import InferenceOptions
from selfseis.pick.starting_network import starting_network
from standing_in import picker_standing_in

WINDOW = 1536


def installed(*names: str) -> bool:
    return all(importlib.util.find_spec(name) is not None for name in names)


needs_onnx = pytest.mark.skipif(
    not installed("onnx", "onnxscript", "onnxruntime"),
    reason="ONNX is not installed: pip install 'selfseis[onnx]'",
)
needs_seisbench = pytest.mark.skipif(
    not installed("seisbench"), reason="SeisBench is not installed: pip install 'selfseis[seisbench]'"
)


def windows_with_onsets(n_samples: int = WINDOW) -> np.ndarray:
    rng = np.random.default_rng(2)
    windows = rng.normal(size=(3, 3, n_samples))
    windows[:, :, 600:] += (
        15 * rng.normal(size=(3, 3, n_samples - 600)) * np.exp(-np.arange(n_samples - 600) / 200)
    )
    return windows.astype(np.float32)


def inferred(windows: np.ndarray, reductions: tuple[int, ...]) -> np.ndarray:
    options = InferenceOptions(reductions=reductions)
    return Annotator(starting_network(), None, windows.shape[-1], options)._of_windows(windows)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def picker() -> Picker:
    """Return a picker with the starting network, at 40 Hz."""
    fitted = picker_standing_in(40.0, WINDOW)
    fitted.model_ = replace(fitted.model_, net=starting_network())
    return fitted


@pytest.mark.parametrize(("n_samples", "reductions"), [(1536, (1, 2)), (1664, (1, 2, 3)), (1536, (1,))])
def test_the_exported_module_gives_the_probabilities_of_inference(
    n_samples: int, reductions: tuple[int, ...]
) -> None:
    windows = windows_with_onsets(n_samples)
    with torch.inference_mode():
        got = ExportedNetwork(starting_network(), n_samples, reductions).eval()(torch.from_numpy(windows))
    expected = inferred(windows, reductions)
    assert expected.max() > 0.5
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-5)


def test_a_model_folder_of_seisbench_holds_tensors_and_settings(picker: Picker, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("of the user")
    export_seisbench(picker, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "kept.txt",
        "selfseis.json.v1",
        "selfseis.pt.v1",
    ]
    weights = torch.load(tmp_path / "selfseis.pt.v1", weights_only=True)
    assert weights.keys() == {f"network.net.{name}" for name in starting_network().state_dict()}
    about = json.loads((tmp_path / "selfseis.json.v1").read_text())
    assert about["model_args"]["sampling_rate"] == 40.0 and about["model_args"]["in_samples"] == WINDOW
    assert about["model_args"]["filter_kwargs"] == {"freq": 1.0, "corners": 2, "zerophase": False}
    assert about["default_args"]["P_threshold"] == round(picker.threshold_["P"], 6)


def test_the_filter_is_that_of_the_picker(picker: Picker, tmp_path: Path) -> None:
    banded = Picker(band=(2.0, 15.0))
    banded.model_ = picker.model_
    export_seisbench(banded, tmp_path)
    arguments = json.loads((tmp_path / "selfseis.json.v1").read_text())["model_args"]
    assert arguments["filter_args"] == ["bandpass"]
    assert arguments["filter_kwargs"] == {"freqmin": 2.0, "freqmax": 15.0, "corners": 2, "zerophase": False}


def test_other_networks_and_files_in_the_way_are_refused(picker: Picker, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="only networks of selfseis are exported, this picker has RiseOfEnergy"
    ):
        export_seisbench(picker_standing_in(40.0), tmp_path / "new")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file: give a folder"):
        export_seisbench(picker, tmp_path / "file")
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(installed("onnxscript"), reason="onnxscript is installed")
def test_export_to_onnx_names_the_extra(picker: Picker, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pip install 'selfseis\[onnx\]'"):
        export_onnx(picker, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_command_exports_a_saved_picker(selfseis: Any, picker: Picker, tmp_path: Path) -> None:
    picker.save(tmp_path / "model")
    done: Result = selfseis("export", tmp_path / "model", tmp_path / "out", "--to", "seisbench")
    assert done.exit_code == 0 and done.stdout == f"seisbench: {tmp_path / 'out'}\n"
    assert (tmp_path / "out" / "selfseis.pt.v1").is_file()
    refused: Result = selfseis("export", tmp_path / "out", tmp_path / "net.onnx", "--to", "onnx")
    assert refused.exit_code == 2 and "holds no model" in refused.stderr


@needs_onnx
@pytest.mark.filterwarnings("default")
def test_an_onnx_file_gives_the_probabilities_of_the_picker(picker: Picker, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export_onnx(picker, path)
    net = network_of(f"onnx:{path}", 40.0)
    assert (net.rate, net.n_samples) == (40.0, WINDOW)
    windows = windows_with_onsets()
    got = torch.sigmoid(net(torch.from_numpy(windows))).numpy()
    np.testing.assert_allclose(got, inferred(windows, picker.options.inference.reductions), atol=1e-5)


@needs_seisbench
@pytest.mark.filterwarnings("default")
def test_seisbench_loads_annotates_and_classifies_with_the_exported_model(
    picker: Picker, tmp_path: Path
) -> None:
    from obspy import Stream, Trace

    from selfseis.foreign_networks.seisbench_model import OnsetPicker

    export_seisbench(picker, tmp_path)
    model = OnsetPicker.load(tmp_path / "selfseis", version_str="1")
    window = windows_with_onsets()[:1]
    with torch.inference_mode():
        got = model.eval()(torch.from_numpy(window)).numpy()
        ours = torch.sigmoid(
            network_of(f"seisbench:{tmp_path}", 40.0).eval()(torch.from_numpy(window))
        ).numpy()
    expected = inferred(window, picker.options.inference.reductions)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    header = {"station": "A", "sampling_rate": 40.0}
    stream = Stream(
        [Trace(row, header | {"channel": f"BH{name}"}) for row, name in zip(window[0], "ENZ", strict=True)]
    )
    probabilities = model.annotate(stream, filter_args=None)
    assert {trace.stats.channel for trace in probabilities} == {"OnsetPicker_P", "OnsetPicker_S"}
    picks = model.classify(stream, P_threshold=0.3, S_threshold=0.3).picks
    assert any(
        pick.phase == "P" and abs(pick.peak_time - stream[0].stats.starttime - 15) < 1 for pick in picks
    )
    model.save(str(tmp_path / "again"))
    assert OnsetPicker.load(tmp_path / "again").reductions == list(picker.options.inference.reductions)
