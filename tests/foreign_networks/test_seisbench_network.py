"""Models of SeisBench as networks of the picker; those of SeisBench itself are tested where it is installed."""

from __future__ import annotations

import importlib.util
import json
import pickle
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from selfseis.errors import InputError
from selfseis.foreign_networks import seisbench_network as module
from selfseis.foreign_networks.picker_registry import network_of
from selfseis.foreign_networks.seisbench_network import SeisBenchNetwork, seisbench_network
from selfseis.pick.inference import Annotator
from selfseis.pick.options import InferenceOptions

N_SAMPLES = 101
needs_seisbench = pytest.mark.skipif(
    importlib.util.find_spec("seisbench") is None,
    reason="SeisBench is not installed: pip install 'selfseis[seisbench]'",
)


class WaveformModel(nn.Module):
    """Stands in for SeisBench's: a model whose outputs are known.

    An output rises with the normalised samples of one component, named by `shows`.
    """

    def __init__(
        self,
        labels: Any = "NPS",
        component_order: str | None = "ZNE",
        shows: dict[str, str] | None = None,
        in_samples: int = N_SAMPLES,
        output_type: str = "array",
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.labels, self.component_order, self.in_samples = labels, component_order, in_samples
        self.output_type, self.sampling_rate = output_type, 100
        self.default_args: dict[str, Any] = {"P_threshold": 0.4}
        self.shows = shows or {"P": "Z", "S": "N"}
        self.seen = torch.zeros(0)

    def annotate_batch_pre(self, batch: Tensor, argdict: dict[str, Any]) -> Tensor:
        batch = batch - batch.mean(dim=-1, keepdim=True)
        return batch / (batch.std(dim=-1, keepdim=True) + 1e-10)

    def forward(self, batch: Tensor) -> Tensor:
        assert batch.shape[1:] == (len(self.component_order or ""), self.in_samples)
        self.seen = batch
        order = (self.component_order or "").replace("1", "N").replace("2", "E")
        outputs = [
            batch[:, order.index(self.shows[label])] if label in self.shows else torch.zeros_like(batch[:, 0])
            for label in self.labels
        ]
        return torch.sigmoid(self.scale * torch.stack(outputs, dim=1))

    def annotate_batch_post(self, batch: Tensor, piggyback: Any, argdict: dict[str, Any]) -> Tensor:
        blinded = argdict.get("blinding", (5, 5))[0]
        batch = batch.transpose(1, 2).clone()
        batch[:, :blinded] = torch.nan
        return batch

    def save(self, path: Path, version: str = "") -> None:
        torch.save(self.state_dict(), f"{path}.pt{version}")
        arguments = {"labels": self.labels, "shows": self.shows}
        Path(f"{path}.json{version}").write_text(json.dumps({"model_args": arguments}))

    @classmethod
    def from_pretrained(cls, name: str) -> WaveformModel:
        if name != "original":
            raise ValueError(f"No version for weight '{name}' available.")
        return cls()


class PhaseNet(WaveformModel):
    pass


class TuplesOfPhases(WaveformModel):
    """Returns a tuple of detection, P and S, as EQTransformer does."""

    def forward(self, batch: Tensor) -> Any:
        return super().forward(batch).unbind(1)

    def annotate_batch_post(self, batch: Any, piggyback: Any, argdict: dict[str, Any]) -> Tensor:
        return torch.stack(batch, dim=-1)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    models = types.SimpleNamespace(WaveformModel=WaveformModel, PhaseNet=PhaseNet)
    monkeypatch.setattr(module, "_models", lambda: models)


def random_windows(n_samples: int, seed: int = 0) -> Tensor:
    """Return windows whose components differ in level and offset."""
    normal = np.random.default_rng(seed).normal(size=(4, 3, n_samples))
    scaled = normal * [[1.0], [1e3], [1e-3]] + [[5.0], [-1.0], [2.0]]
    return torch.from_numpy(scaled.astype(np.float32))


def normalised(component: Tensor) -> Tensor:
    centred = component - component.mean(dim=-1, keepdim=True)
    return centred / centred.std(dim=-1, keepdim=True)


@pytest.mark.parametrize("labels", ["NPS", "PSN", ["S", "Detection", "P"], ("p", "N", "s")])
@pytest.mark.parametrize("order", ["ZNE", "ENZ", "Z12"])
def test_outputs_are_those_of_the_components_that_the_model_shows(labels: Any, order: str) -> None:
    shows = {"P": "Z", "S": "N", "p": "Z", "s": "N"}
    net = SeisBenchNetwork(WaveformModel(labels, order, shows)).eval()
    windows = random_windows(net.n_samples)
    logits = net(windows)
    assert net.n_samples == N_SAMPLES + 1 and logits.shape == (4, 2, net.n_samples)
    for phase, row in ((0, 2), (1, 1)):
        expected = normalised(windows[:, row, :N_SAMPLES])
        torch.testing.assert_close(logits[:, phase, :N_SAMPLES], expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(logits[..., -1], logits[..., -2])


def test_a_tuple_of_detection_p_and_s_and_an_even_window() -> None:
    net = SeisBenchNetwork(TuplesOfPhases(["Detection", "P", "S"], in_samples=100)).eval()
    windows = random_windows(100)
    assert net.n_samples == 100
    torch.testing.assert_close(net(windows)[:, 0], normalised(windows[:, 2]), rtol=1e-3, atol=1e-3)


def test_a_model_of_one_component_sees_the_vertical_and_a_missing_hydrophone_is_zero() -> None:
    vertical = SeisBenchNetwork(WaveformModel(component_order="Z", shows={"P": "Z", "S": "Z"})).eval()
    windows = random_windows(vertical.n_samples)
    torch.testing.assert_close(
        vertical(windows)[:, 0, :N_SAMPLES], normalised(windows[:, 2, :N_SAMPLES]), rtol=1e-3, atol=1e-3
    )
    model = WaveformModel(component_order="Z12H")
    SeisBenchNetwork(model).eval()(windows)
    assert torch.all(model.seen[:, 3] == 0) and torch.all(model.seen[:, :3].std(dim=-1) > 0.9)


def test_the_annotator_works_with_such_a_network() -> None:
    net = SeisBenchNetwork(WaveformModel())
    components = np.random.default_rng(1).normal(size=(3, 1000)).astype(np.float32)
    components[2, 500] = 40.0
    annotator = Annotator(net, None, net.n_samples, InferenceOptions())  # type: ignore[arg-type]
    probability = annotator.probabilities(components)
    assert probability.shape == (2, 1000) and np.isfinite(probability).all()
    assert probability[0].argmax() == 500


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"output_type": "point"}, "no probability for every sample"),
        ({"labels": "NP"}, "one output P and one output S, got the outputs N, P"),
        ({"labels": None}, "without labels"),
        ({"component_order": "ZNEIM"}, "needs the components ZNEIM"),
        ({"component_order": None}, "single channels"),
        ({"component_order": "NE"}, "does not run on windows"),
        ({"in_samples": 10**9}, "1 to 1000000 samples, got 1000000000"),
    ],
)
def test_other_models_are_refused_in_one_line(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        SeisBenchNetwork(WaveformModel(**arguments))
    assert "\n" not in str(caught.value)


def test_a_model_with_another_rate_of_outputs_is_refused() -> None:
    class EverySecond(WaveformModel):
        def forward(self, batch: Tensor) -> Tensor:
            return super().forward(batch)[..., ::2]

    with pytest.raises(InputError, match=r"no output of each label .* shape \(1, 51, 3\)"):
        SeisBenchNetwork(EverySecond())


@pytest.mark.usefixtures("stand_in")
def test_a_pretrained_model_by_class_and_name() -> None:
    assert network_of("seisbench:PhaseNet/original", 100.0).name == "PhaseNet"
    assert seisbench_network("phasenet/original").rate == 100
    with pytest.raises(InputError, match="weights unknown of PhaseNet cannot be loaded: No version"):
        network_of("seisbench:PhaseNet/unknown", 100.0)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("version", ["", ".v1"])
def test_a_local_pair_by_either_file_its_stem_its_folder_and_its_class(tmp_path: Path, version: str) -> None:
    model = PhaseNet("PSN", shows={"P": "E", "S": "N"})
    model.scale.data.fill_(3.0)
    model.save(tmp_path / "own", version)
    names = [tmp_path / f"own.pt{version}", tmp_path / f"own.json{version}", tmp_path]
    names += [] if version else [tmp_path / "own"]
    for name in [*map(str, names), f"PhaseNet/{names[0]}"]:
        net = network_of(f"seisbench:{name}", 100.0)
        assert net.name == "PhaseNet" and net.model.scale.item() == 3.0
        assert net.model.shows == {"P": "E", "S": "N"}


@pytest.mark.usefixtures("stand_in")
def test_damaged_and_hostile_files_are_refused_in_one_line(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "executed",))

    path = tmp_path / "own"
    weights, metadata = tmp_path / "own.pt", tmp_path / "own.json"
    PhaseNet().save(path)
    good = weights.read_bytes()

    def refused(reason: str) -> None:
        with pytest.raises(InputError, match=reason) as caught:
            seisbench_network(str(path))
        assert "\n" not in str(caught.value)

    for content in (pickle.dumps(Hostile()), good[:200], b"", b"no weights"):
        weights.write_bytes(content)
        refused("is damaged or contains more than tensors")
    torch.save({"scale": Hostile()}, weights)
    refused("is damaged or contains more than tensors")
    assert not (tmp_path / "executed").exists()
    torch.save([torch.ones(1)], weights)
    refused("must contain tensors by name")
    torch.save({"scale": torch.ones(2)}, weights)
    refused("fits no class")
    with pytest.raises(InputError, match="1 weights differ in name or shape, such as scale"):
        seisbench_network(f"PhaseNet/{path}.pt")
    weights.write_bytes(good)
    for text in ("{", "[]", '{"model_args": 3}', "{}"):
        metadata.write_text(text)
        refused("not a description of a model")
    metadata.write_text('{"model_args": {"no_such_argument": 1}}')
    refused("fits no class")
    metadata.unlink()
    with pytest.raises(InputError, match=r"own\.json is missing"):
        seisbench_network(str(weights))


@pytest.mark.usefixtures("stand_in")
def test_unknown_names_and_folders_of_several_models(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere is neither .* classes of SeisBench: PhaseNet"):
        seisbench_network("nowhere")
    with pytest.raises(InputError, match="got none"):
        seisbench_network(str(tmp_path))
    for name in ("a", "b"):
        PhaseNet().save(tmp_path / name)
    with pytest.raises(InputError, match=r"got a.pt, b.pt: name the file"):
        seisbench_network(str(tmp_path))
    for text in ("PhaseNet/original", "seisbench:", "other:PhaseNet", ""):
        with pytest.raises(InputError, match="picker must be one of seisbench:PhaseNet/original"):
            network_of(text, 100.0)


def test_a_missing_seisbench_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'seisbench'", name="seisbench")

    monkeypatch.setattr(module, "import_module", missing)
    with pytest.raises(InputError, match=r"pip install 'selfseis\[seisbench\]'"):
        network_of("seisbench:PhaseNet/original", 100.0)


@needs_seisbench
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("kind", ["PhaseNet", "PhaseNetLight", "EQTransformer", "Skynet", "BasicPhaseAE"])
def test_real_models_give_what_seisbench_annotates(kind: str, tmp_path: Path) -> None:
    import seisbench.models
    from obspy import Stream, Trace

    torch.manual_seed(3)
    model = getattr(seisbench.models, kind)()
    model.save(str(tmp_path / "own"))
    net = seisbench_network(str(tmp_path / "own.pt")).eval()
    assert net.name == kind
    window = random_windows(net.n_samples)[:1]
    with torch.inference_mode():
        got = torch.sigmoid(net(window)).numpy()[0, :, : model.in_samples]
    traces = [
        Trace(window[0, row, : model.in_samples].numpy(), {"channel": f"HH{name}", "sampling_rate": 100})
        for row, name in enumerate("ENZ")
    ]
    annotations = model.annotate(Stream(traces), blinding=(0, 0), overlap=0)
    for row, phase in enumerate("PS"):
        expected = annotations.select(channel=f"*_{phase}")[0]
        first = round((expected.stats.starttime - traces[0].stats.starttime) * 100)
        of_ours = got[row, first : first + len(expected.data)]
        known = np.isfinite(expected.data)
        np.testing.assert_allclose(of_ours[known], expected.data[known], atol=2e-5)


@needs_seisbench
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("kind", ["GPD", "CRED", "DeepDenoiser", "DKPN", "PhaseTEAM"])
def test_real_models_without_p_and_s_of_one_station_are_refused(kind: str) -> None:
    import seisbench.models

    with pytest.raises(InputError, match=kind):
        SeisBenchNetwork(getattr(seisbench.models, kind)())
