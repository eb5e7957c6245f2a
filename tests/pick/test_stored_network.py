"""Networks in saved pickers."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from selfseis.errors import InputError
from selfseis.foreign_networks import seisbench_network as module
from selfseis.foreign_networks.picker_network import ResampledNetwork
from selfseis.models.store import weights
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.stored_network import describe_network, network_from

needs_seisbench = pytest.mark.skipif(
    importlib.util.find_spec("seisbench") is None,
    reason="SeisBench is not installed: pip install 'selfseis[seisbench]'",
)


def restored(net):
    return network_from(
        describe_network(net), {k.removeprefix("net."): v for k, v in weights(net, "net").items()}
    )


def test_the_own_network_is_restored():
    net = OnsetNet().eval()
    windows = torch.randn(1, 3, 1536)
    with torch.no_grad():
        assert torch.equal(restored(net).eval()(windows), net(windows))


def test_networks_without_a_description_are_refused():
    with pytest.raises(InputError, match="the network Linear cannot be saved"):
        describe_network(nn.Linear(1, 1))
    with pytest.raises(ValueError, match="unknown kind"):
        network_from({"kind": "pickle"}, {})


DESCRIPTION = {
    "kind": "seisbench",
    "class": "PhaseNet",
    "arguments": {},
    "resampled_from_hz": None,
    "note": "",
}


def test_a_missing_seisbench_is_one_line(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'seisbench'", name="seisbench")

    monkeypatch.setattr(module, "import_module", missing)
    with pytest.raises(InputError, match=r"pip install 'selfseis\[seisbench\]'"):
        network_from(DESCRIPTION, {"model.a": np.zeros(1)})


def test_foreign_weights_are_damage():
    with pytest.raises(ValueError, match="not those of a model of SeisBench"):
        network_from(DESCRIPTION, {"other.a": np.zeros(1)})


@needs_seisbench
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("rate", [100.0, 40.0])
def test_a_model_of_seisbench_is_restored(rate):
    from seisbench.models import PhaseNet

    net = module.SeisBenchNetwork(PhaseNet(phases="PSN", component_order="ZNE", norm="peak")).for_rate(rate)
    net.eval()
    again = restored(net)
    assert type(again) is type(net)
    assert (again.name, again.n_samples, again.note) == (net.name, net.n_samples, net.note)
    assert isinstance(again, ResampledNetwork) is (rate != 100)
    windows = torch.randn(2, 3, net.n_samples)
    with torch.no_grad():
        assert torch.equal(again(windows), net(windows))


@needs_seisbench
@pytest.mark.filterwarnings("default")
def test_weights_of_another_class_are_one_line():
    from seisbench.models import PhaseNet

    net = module.SeisBenchNetwork(PhaseNet(phases="PSN"))
    state = {k.removeprefix("net."): v for k, v in weights(net, "net").items()}
    for wrong in ("EQTransformer", "os.system"):
        with pytest.raises(InputError, match="not one of SeisBench's class"):
            network_from(describe_network(net) | {"class": wrong}, state)


@needs_seisbench
@pytest.mark.filterwarnings("default")
def test_a_picker_with_a_model_of_seisbench_is_saved(tmp_path):
    from seisbench.models import PhaseNet

    from selfseis.pick import Picker
    from selfseis.recording import recording_from_array
    from short_options import SHORT_PICKER

    data = np.random.default_rng(0).normal(size=(3, 9000)).astype(np.float32)
    recording = recording_from_array(
        data, 100.0, "2020-01-01", seed_id=[f"XX.A..HH{letter}" for letter in "ENZ"]
    )
    net = module.SeisBenchNetwork(PhaseNet(phases="PSN")).eval()
    options = SHORT_PICKER.with_options(adaptation={"n_steps": 2, "batch_size": 2})
    picker = Picker(options=options).adapt(recording, net)
    assert not picker.adaptation_.is_kept
    picker.model_ = replace(picker.model_, window=picker.window_)
    picker.save(tmp_path / "model")
    assert sorted(file.name for file in (tmp_path / "model").iterdir()) == ["model.json", "model.safetensors"]
    loaded = Picker.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.probabilities(data), picker.probabilities(data))
