"""Models of SeisBench as networks of the picker; SeisBench is imported only inside the functions here.

SeisBench has the licence GPL and is an optional extra: ``pip install 'selfseis[seisbench]'``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from selfseis.errors import InputError, one_line
from selfseis.foreign_networks.picker_network import (
    MAX_SAMPLES,
    PickerNetwork,
    columns_of,
    components_of,
    lengthened,
    logits_of,
    rows_of,
)

NO_BLINDING = {"blinding": (0, 0)}  # the edges of windows have little weight in `Annotator`


def seisbench_network(name: str) -> SeisBenchNetwork:
    """Load a model of SeisBench as a network of the picker.

    Parameters
    ----------
    name : str
        One of

        - ``PhaseNet/original``: class and name of pre-trained weights. SeisBench takes them from its cache or downloads
          them; since PyTorch 2.6 it loads tensors only.
        - ``PATH.pt``, ``PATH.json`` or ``PATH``, also with the suffix of a version such as ``.v1``: a pair of files as
          `WaveformModel.save` writes them, or a folder with one such pair.
        - ``PhaseNet/PATH``: such a pair, with its class.

        The files do not state the class of a model. If ``name`` does not either, the name of the folder is taken, as in
        SeisBench's cache; otherwise the first class that fits the arguments and the weights, parents before children.

    Raises
    ------
    InputError
        If SeisBench is missing, or the model does not exist, is damaged, contains more than tensors, or gives no
        probabilities of P and S for every sample of a window.
    """
    models = _models()
    classes = _classes(models)
    class_name, _, rest = name.partition("/")
    named = classes.get(class_name.lower())
    if named is not None and re.fullmatch(r"[\w-]+", rest):
        return SeisBenchNetwork(_pretrained(named, rest))
    pair = _pair(Path(rest if named is not None and rest else name))
    if pair is None:
        known = ", ".join(sorted(kind.__name__ for kind in classes.values()))
        raise InputError(
            f"{name} is neither CLASS/NAME nor a .pt and .json pair of files; classes of SeisBench: {known}"
        )
    return SeisBenchNetwork(_load(pair, named, classes))


def seisbench_network_of(
    class_name: str, arguments: dict[str, Any], weights: dict[str, Tensor]
) -> SeisBenchNetwork:
    """Return the network of a class of SeisBench with given arguments and weights, as a saved picker holds them.

    Parameters
    ----------
    class_name : str
        Name of the class.
    arguments : dict
        Arguments of its constructor.
    weights : dict of str to Tensor
        Its state.

    Raises
    ------
    InputError
        If SeisBench is missing, or the arguments or weights do not fit the class.
    """
    kind: Any = _classes(_models()).get(class_name.lower())
    reason = "there is no such class" if kind is None else _misfit(kind, arguments, weights)
    if reason:
        raise InputError(f"the model is not one of SeisBench's class {class_name}: {reason}")
    model = kind(**arguments)
    model.load_state_dict(weights)
    return SeisBenchNetwork(model)


class SeisBenchNetwork(PickerNetwork):
    """A model of SeisBench as a network that maps windows to logits of P and S.

    Components are put into the model's order; a model of one component sees the vertical, and a missing hydrophone is
    zero, as in SeisBench. `annotate_batch_pre` and `annotate_batch_post` of the model normalise the windows and arrange
    the outputs, without blinding. Samples that the model blinds all the same have no onsets.

    The filter of the model is not applied; the causal high-pass of the picker takes its place.

    `Annotator` needs an even length. If the model's window is odd, as PhaseNet's with 3001 samples, windows are one
    sample longer: the model does not see their last sample, which repeats the logit before it.

    Parameters
    ----------
    model : WaveformModel
        The model.

    Attributes
    ----------
    name : str
        Class of the model.
    n_samples : int
        Length of a window, even.
    rate : float or None
        Sampling rate in Hz of the model's training data.

    Raises
    ------
    InputError
        If the model gives no probabilities of P and S for every sample of a window, or needs other data than the
        components of one station.

    References
    ----------
    Woollam, J. et al. (2022). SeisBench: a toolbox for machine learning in seismology. Seismological Research Letters
    93, 1695-1709.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.name: str = type(model).__name__
        self.rate = _rate_of(model)
        if getattr(model, "output_type", None) != "array" or not isinstance(model.in_samples, int):
            raise InputError(
                f"{self.name} gives no probability for every sample of a window: choose a model such as PhaseNet or "
                "EQTransformer"
            )
        if not 0 < model.in_samples <= MAX_SAMPLES:
            raise InputError(
                f"the window of {self.name} must have 1 to {MAX_SAMPLES} samples, got {model.in_samples}"
            )
        self._in_samples: int = model.in_samples
        self.n_samples = self._in_samples + self._in_samples % 2
        self._rows = _rows_of(model)
        self._columns = columns_of(self.name, model.labels)
        self._check_output()

    def forward(self, windows: Tensor) -> Tensor:
        """Return logits of P and S.

        Parameters
        ----------
        windows : Tensor, shape (n_windows, 3, n_samples)
            East, north and vertical.

        Returns
        -------
        Tensor, shape (n_windows, 2, n_samples)
        """
        probability = self._run(windows)[..., self._columns].transpose(1, 2)
        logits = logits_of(probability)
        return lengthened(logits, self.n_samples)

    def _run(self, windows: Tensor) -> Tensor:
        """Return all outputs of the model, shape (n_windows, in_samples, n_labels)."""
        batch = components_of(windows, self._rows)[..., : self._in_samples]
        settings = {**getattr(self.model, "default_args", {}), **NO_BLINDING}
        prepared = self.model.annotate_batch_pre(batch, settings)
        batch, piggyback = prepared if isinstance(prepared, tuple) else (prepared, None)
        outputs: Tensor = self.model.annotate_batch_post(self.model(batch), piggyback, settings)
        return outputs

    def _check_output(self) -> None:
        """Run the model on a window of zeros."""
        was_training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                outputs = self._run(torch.zeros(1, 3, self.n_samples))
            shape = tuple(outputs.shape)
        except Exception as error:  # whatever a model raises on data that it does not take
            raise InputError(
                f"{self.name} does not run on windows of one station with three components: {one_line(error)}"
            ) from error
        finally:
            self.train(was_training)
        if shape != (1, self._in_samples, len(self.model.labels)):
            raise InputError(
                f"{self.name} has no output of each label for each of its {self._in_samples} samples, but outputs of "
                f"shape {shape}: choose a model such as PhaseNet or EQTransformer"
            )


def _rate_of(model: Any) -> float | None:
    rate = getattr(model, "sampling_rate", None)
    if rate is None:
        return None
    if not isinstance(rate, int | float) or not 0 < rate < float("inf"):
        raise InputError(f"the sampling rate of {type(model).__name__} must be a number above 0, got {rate}")
    return float(rate)


def _rows_of(model: Any) -> list[int]:
    """Return the row of a window for each input of a model."""
    if getattr(model, "in_channels", None) == 1:
        return rows_of(type(model).__name__, "Z")
    return rows_of(type(model).__name__, getattr(model, "component_order", None) or "")


def _models() -> Any:
    """Return the module of SeisBench's models."""
    try:
        return import_module("seisbench.models")
    except ImportError as error:
        raise InputError(
            "models of SeisBench need SeisBench: pip install 'selfseis[seisbench]'"
            if getattr(error, "name", None) in ("seisbench", "seisbench.models")
            else f"SeisBench cannot be imported: {one_line(error)}"
        ) from error


def _classes(models: Any) -> dict[str, type]:
    """Return SeisBench's classes of waveform models by their names in lower case, parents before children.

    Those of depth phases are left out: they have no S, and to build one for the first time takes minutes.
    """
    found = [value for value in vars(models).values() if isinstance(value, type)]
    found = [value for value in found if not issubclass(value, getattr(models, "DepthPhaseModel", ()))]
    kinds = [
        kind for kind in found if issubclass(kind, models.WaveformModel) and kind != models.WaveformModel
    ]
    kinds += _own_class(models)
    kinds.sort(key=lambda kind: (len(kind.__mro__), kind.__name__))
    return {kind.__name__.lower(): kind for kind in kinds}


def _own_class(models: Any) -> list[type]:
    """Return the class of the pickers that selfseis exports."""
    if getattr(models, "__name__", "") != "seisbench.models":  # a stand-in
        return []
    own: type = import_module("selfseis.foreign_networks.seisbench_model").OnsetPicker
    return [own]


def _pretrained(kind: Any, name: str) -> Any:
    try:
        return kind.from_pretrained(name)
    except Exception as error:  # network, cache, name and file: SeisBench raises many kinds
        raise InputError(
            f"the weights {name} of {kind.__name__} cannot be loaded: {one_line(error)}; check the name and the "
            "connection, or name a .pt and .json pair of files"
        ) from error


class _Pair(NamedTuple):
    weights: Path
    metadata: Path


def _pair(path: Path) -> _Pair | None:
    """Return the files of a model; None if there are none."""
    if path.is_dir():
        return _only_pair(path)
    found = re.fullmatch(r"(.+)\.(?:pt|json)(\.v[\w.+-]+)?", path.name)
    stem, version = (found[1], found[2] or "") if found else (path.name, "")
    if not stem:
        return None
    pair = _Pair(path.with_name(f"{stem}.pt{version}"), path.with_name(f"{stem}.json{version}"))
    there = [file.is_file() for file in pair]
    if found and any(there) and not all(there):
        raise InputError(
            f"{pair[there.index(False)]} is missing: a model of SeisBench is a .pt and a .json file"
        )
    return pair if all(there) else None


def _only_pair(folder: Path) -> _Pair:
    files = sorted(file for file in folder.iterdir() if re.fullmatch(r".+\.pt(\.v[\w.+-]+)?", file.name))
    if len(files) != 1:
        there = ", ".join(file.name for file in files[:8]) or "none"
        raise InputError(
            f"{folder} must hold the .pt and .json files of one model, got {there}: name the file"
        )
    pair = _pair(files[0])
    assert pair is not None
    return pair


def _load(pair: _Pair, kind: type | None, classes: Mapping[str, type]) -> Any:
    """Return the model of a pair of files."""
    arguments, weights = _read_arguments(pair.metadata), _read_weights(pair.weights)
    kind = kind or classes.get(pair.weights.resolve().parent.name.lower())
    for candidate in [kind] if kind else classes.values():
        reason = _misfit(candidate, arguments, weights)
        if not reason:
            model = candidate(**arguments)
            model.load_state_dict(weights)
            return model
    if kind:
        raise InputError(
            f"{pair.weights} does not fit {kind.__name__} ({reason}): name its class, CLASS/PATH"
        )
    raise InputError(
        f"{pair.weights} fits no class of SeisBench's models, with the arguments of {pair.metadata}"
    )


def _read_arguments(path: Path) -> dict[str, Any]:
    """Return the arguments of a model's constructor."""
    try:
        arguments = json.loads(path.read_bytes())["model_args"]
        if not isinstance(arguments, dict):
            raise TypeError("model_args is not an object")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} is not a description of a model with model_args: {one_line(error)}"
        ) from error
    # SeisBench writes them for some classes; the constructor does not take them.
    return {name: value for name, value in arguments.items() if name not in ("citation", "default_args")}


def _read_weights(path: Path) -> dict[str, Tensor]:
    """Return tensors by name; nothing else is unpickled."""
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file raises many kinds
        raise InputError(
            f"{path} is damaged or contains more than tensors, and is not loaded: save the state_dict of the model"
        ) from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(f"{path} must contain tensors by name, the state_dict of a model")
    return weights


def _misfit(kind: Any, arguments: dict[str, Any], weights: dict[str, Tensor]) -> str:
    """Return why weights do not fit a class; empty if they do.

    The class is built without memory for its parameters, so that false arguments cannot fill it.
    """
    try:
        with torch.device("meta"):
            expected = {name: value.shape for name, value in kind(**arguments).state_dict().items()}
    except Exception as error:  # whatever a constructor raises for false arguments
        return one_line(error)
    got = {name: value.shape for name, value in weights.items()}
    differing = sorted(name for name in expected.keys() | got if expected.get(name) != got.get(name))
    return f"{len(differing)} weights differ in name or shape, such as {differing[0]}" if differing else ""
