"""Networks in a saved picker: a description as plain values, and the weights as arrays.

The network of the package needs only its weights. A network of SeisBench is described by the name of its class and the
arguments of its constructor; loading it needs SeisBench. Nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.foreign_networks.picker_network import PickerNetwork, ResampledNetwork
from selfseis.networks.picking_unet import OnsetNet

if TYPE_CHECKING:
    from torch import nn

OWN, SEISBENCH = "selfseis", "seisbench"
COUNTERS = "num_batches_tracked"  # of batch normalisation
OWN_NETWORK = {"kind": OWN}


def network_name(net: nn.Module) -> str:
    """Return the name of a network for pages and messages.

    Parameters
    ----------
    net : nn.Module
        The network of a picker.
    """
    return "of selfseis" if isinstance(net, OnsetNet) else str(getattr(net, "name", type(net).__name__))


def describe_network(net: nn.Module) -> dict[str, Any]:
    """Return what is needed to build a network again, apart from its weights, as values that JSON can hold.

    Parameters
    ----------
    net : nn.Module
        The network of a picker.

    Raises
    ------
    InputError
        If the network is neither that of the package nor one of SeisBench.

    Examples
    --------
    >>> from selfseis.networks.picking_unet import OnsetNet
    >>> from selfseis.pick.stored_network import describe_network
    >>> describe_network(OnsetNet())
    {'kind': 'selfseis'}
    """
    if isinstance(net, OnsetNet):
        return dict(OWN_NETWORK)
    inner = net.net if isinstance(net, ResampledNetwork) else net
    model = getattr(inner, "model", None)
    if not isinstance(inner, PickerNetwork) or not hasattr(model, "get_model_args"):
        raise InputError(
            f"the network {network_name(net)} cannot be saved: calibrate it again where it is needed"
        )
    assert model is not None
    return {
        "kind": SEISBENCH,
        "class": inner.name,
        "arguments": {name: value for name, value in model.get_model_args().items() if value is not None},
        "resampled_from_hz": net.rate if net is not inner else None,
        "note": net.note,
    }


def network_from(description: Mapping[str, Any], weights: Mapping[str, NDArray[Any]]) -> nn.Module:
    """Build a network from its description and weights.

    Parameters
    ----------
    description : mapping
        From `describe_network`.
    weights : mapping of str to ndarray
        Names and values of its state.

    Raises
    ------
    InputError
        If the network is one of SeisBench, and SeisBench is missing or has no such class.
    ValueError, KeyError, TypeError, RuntimeError
        If the description or the weights are damaged.
    """
    tensors = {name: torch.from_numpy(values.copy()) for name, values in weights.items()}
    if description["kind"] == OWN:
        own = OnsetNet()
        own.load_state_dict(tensors)
        return own
    if description["kind"] != SEISBENCH:
        raise ValueError(f"unknown kind of network {description['kind']}")
    return _of_seisbench(description, tensors)


def _of_seisbench(description: Mapping[str, Any], tensors: dict[str, torch.Tensor]) -> PickerNetwork:
    from selfseis.foreign_networks.seisbench_network import seisbench_network_of

    rate = description["resampled_from_hz"]
    prefix = "model." if rate is None else "net.model."
    if not all(name.startswith(prefix) for name in tensors):
        raise ValueError("the weights are not those of a model of SeisBench")
    tensors = {
        # Arrays without axes are stored with one.
        name.removeprefix(prefix): value.reshape(()) if name.endswith(COUNTERS) else value
        for name, value in tensors.items()
    }
    arguments = dict(description["arguments"])
    inner = seisbench_network_of(str(description["class"]), arguments, tensors)
    net = inner if rate is None else ResampledNetwork(inner, float(rate))
    net.note = str(description["note"])
    return net.eval()
