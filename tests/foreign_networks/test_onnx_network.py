"""Networks of ONNX files: shapes, properties and refusals with a stand-in; ONNX Runtime where it is installed."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from selfseis.errors import InputError
from selfseis.foreign_networks import onnx_network as module
from selfseis.foreign_networks.onnx_network import METADATA, OnnxProperties
from selfseis.foreign_networks.picker_registry import network_of

N = 101
needs_onnxruntime = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec("onnxscript") is None,
    reason="ONNX Runtime is not installed: pip install 'selfseis[onnx]'",
)


@dataclass
class Session:
    """Stands in for a session of ONNX Runtime: P shows the first component that it takes, S the second."""

    shape: list[Any] = field(default_factory=lambda: ["n", 3, N])
    metadata: dict[str, str] = field(default_factory=dict)
    layout: str = "phases first"
    labels: str = "NPS"
    scale: float = 1.0
    batches: list[int] = field(default_factory=list)

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="x", shape=self.shape, type="tensor(float)")]

    def get_modelmeta(self) -> Any:
        return SimpleNamespace(custom_metadata_map=self.metadata)

    def run(self, _: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        (batch,) = feed.values()
        self.batches.append(len(batch))
        assert batch.dtype == np.float32
        shown = batch if self.shape[1] == 3 else batch.transpose(0, 2, 1)
        values = {"P": shown[:, 0], "S": shown[:, 1]}
        outputs = [self.scale / (1 + np.exp(-values.get(label, shown[:, 2]))) for label in self.labels]
        if self.layout == "one each":
            return [output[..., None] for output in outputs]
        axis = 1 if self.layout == "phases first" else 2
        return [np.stack(outputs, axis=axis)]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that loads a stand-in session by its name on the command line."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"stand-in")

    def load(session: Session, settings: str = "?rate=100&order=ZNE&phases=NPS", rate: float = 100.0) -> Any:
        monkeypatch.setattr(module, "_session", lambda _: session)
        return network_of(f"onnx:{path}{settings}", rate)

    return load


WINDOWS = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 3, N + 1)).astype(np.float32))


@pytest.mark.parametrize("layout", ["phases first", "phases last", "one each"])
@pytest.mark.parametrize("shape", [["n", 3, N], ["n", N, 3], [2, 3, N], [None, 3, "length"]])
def test_all_arrangements_give_the_same_logits(loaded: Any, layout: str, shape: list[Any]) -> None:
    session = Session(shape=shape, layout=layout)
    window = f"&window={N}" if "length" in shape else ""
    net = loaded(session, f"?rate=100&order=ZNE&phases=NPS{window}")
    logits = net(WINDOWS)
    assert (net.rate, net.n_samples, logits.shape) == (100.0, N + 1, (5, 2, N + 1))
    torch.testing.assert_close(logits[:, 0, :N], WINDOWS[:, 2, :N], rtol=1e-3, atol=1e-3)  # Z comes first
    torch.testing.assert_close(logits[:, 1, :N], WINDOWS[:, 1, :N], rtol=1e-3, atol=1e-3)
    assert set(session.batches) <= {1, 2, 5} and (shape[0] != 2 or set(session.batches) == {2})


def test_normalisation_and_logits(loaded: Any) -> None:
    net = loaded(Session(), "?rate=100&order=ZNE&phases=NPS&norm=peak")
    vertical = WINDOWS[:, 2, :N] - WINDOWS[:, 2, :N].mean(dim=-1, keepdim=True)
    expected = vertical / vertical.abs().amax(dim=-1, keepdim=True)
    torch.testing.assert_close(net(WINDOWS)[:, 0, :N], expected, rtol=1e-3, atol=1e-3)
    raw = loaded(Session(scale=7.0), "?rate=100&order=ZNE&phases=NPS&output=logits")
    assert 1 < raw(WINDOWS).max() < 7


def test_properties_in_the_file_need_no_settings_and_other_rates_are_resampled(loaded: Any) -> None:
    stored = OnnxProperties(rate=50.0, order="ZNE", phases="NPS", window=N).to_json()
    assert loaded(Session(metadata={METADATA: stored}), "", rate=50.0).rate == 50.0
    resampled = loaded(Session(metadata={METADATA: stored}), "", rate=100.0)
    assert resampled.note == "The samples were resampled from 100 Hz to 50 Hz, its rate."
    any_rate = loaded(Session(), "?rate=0&order=ZNE&phases=NPS")
    assert any_rate.rate is None


@pytest.mark.parametrize(
    ("session", "settings", "reason"),
    [
        (Session(), "", "does not state its rate, order, phases: add them"),
        (Session(), "?rate=100&order=ZNE", "does not state its phases"),
        (Session(), "?rate=fast&order=ZNE&phases=NPS", "rate must be a number of Hz, got fast"),
        (Session(), "?rate=100&order=ZNE&phases=NPS&norm=max", "norm must be none or std or peak, got max"),
        (Session(), "?rate=100&order=ZNE&phases=NPS&speed=2", "has no setting speed"),
        (Session(), "?rate=100&order=Z&phases=NPS", r"order=Z names 1 of the components.* shape \(3, 101\)"),
        (Session(), "?rate=100&order=ZNQ&phases=NPS", "needs the components ZNQ"),
        (Session(), "?rate=100&order=ZNE&phases=PN", "one output P and one output S"),
        (Session(), "?rate=100&order=ZNE&phases=PSNN", r"outputs of shape \(1, 3, 101\), but phases=PSNN"),
        (Session(), "?rate=100&order=ZNE&phases=NPS&window=99", "window=99 differs from the 101 samples"),
        (
            Session(shape=["n", 3, "t"]),
            "?rate=100&order=ZNE&phases=NPS",
            "windows of any length: add window=N",
        ),
        (Session(shape=["n", 3, 10**8]), "?rate=100&order=ZNE&phases=NPS", "2 to 1000000 samples"),
        (Session(shape=["n", N]), "?rate=100&order=ZNE&phases=NPS", "one input of float32 with three axes"),
        (Session(scale=3.0), "?rate=100&order=ZNE&phases=NPS", "not between 0 and 1: add output=logits"),
        (Session(metadata={METADATA: "{"}), "", "the entry selfseis_picker of net.onnx is damaged"),
        (Session(metadata={METADATA: '{"rate": []}'}), "", "rate must be a number of Hz"),
        (
            Session(metadata={METADATA: json.dumps({"rate": 100, "order": "ZNE", "phases": "NPS"})}),
            "?rate=50",
            "rate of .* is 100.0, got rate=50: leave the setting out",
        ),
    ],
)
def test_conflicts_are_refused_in_one_line(loaded: Any, session: Session, settings: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        loaded(session, settings)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_missing_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="does not exist: give an ONNX file"):
        network_of(f"onnx:{tmp_path / 'none.onnx'}", 100.0)
    (tmp_path / "net.onnx").write_bytes(b"")

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(module, "import_module", missing)
    with pytest.raises(InputError, match=r"pip install 'selfseis\[onnx\]'"):
        network_of(f"onnx:{tmp_path / 'net.onnx'}", 100.0)


@needs_onnxruntime
@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07" * 300])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(InputError, match="is damaged or not an ONNX network") as caught:
        network_of(f"onnx:{tmp_path / 'net.onnx'}?rate=100&order=ZNE&phases=NPS", 100.0)
    assert "\n" not in str(caught.value)
