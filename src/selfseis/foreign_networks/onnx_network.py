"""Networks in ONNX files; ONNX Runtime is imported only inside the functions here.

ONNX Runtime has the licence MIT and is an optional extra: ``pip install 'selfseis[onnx]'``. A file holds operations
and numbers, and loading it executes no code of its author.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
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
from selfseis.typing import Float32Array

METADATA = "selfseis_picker"  # key of the properties in the metadata of a file
NORMS = ("none", "std", "peak")
OUTPUTS = ("probability", "logits")


@dataclass(frozen=True, kw_only=True)
class OnnxProperties:
    """What an ONNX file does not state by its tensors.

    Attributes
    ----------
    rate : float or None
        Sampling rate in Hz of the data that the network was trained on; 0 if any rate suits, None if not known.
    order : str or None
        Order of the components, such as ``"ZNE"``.
    phases : str or None
        One letter for each output, such as ``"NPS"``; only P and S are used.
    window : int or None
        Length of a window in samples, if the tensors do not fix it.
    norm : str
        Normalisation of each component: ``none``, ``std`` (standard deviation) or ``peak``. The mean is removed for
        the latter two.
    output : str
        ``probability`` or ``logits``.
    """

    rate: float | None = None
    order: str | None = None
    phases: str | None = None
    window: int | None = None
    norm: str = "none"
    output: str = "probability"

    def to_json(self) -> str:
        """Return the properties as the text that a file holds under the key `METADATA`."""
        return json.dumps({field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def merged(cls, stored: Mapping[str, Any], given: Mapping[str, str], name: str) -> OnnxProperties:
        """Return the properties of a file and of the user, who may not contradict the file.

        Raises
        ------
        InputError
            If a setting is unknown, of a wrong type, missing, or differs from that of the file.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(given.keys() - known):
            raise InputError(
                f"{name} has no setting {', '.join(unknown)}: known are {', '.join(sorted(known))} and as_if"
            )
        values = {key: _parsed(key, value) for key, value in stored.items() if key in known}
        for key, text in given.items():
            value = _parsed(key, text)
            if values.get(key) not in (None, value):
                raise InputError(f"{key} of {name} is {values[key]}, got {key}={text}: leave the setting out")
            values[key] = value
        missing = [key for key in ("rate", "order", "phases") if values.get(key) is None]
        if missing:
            raise InputError(
                f"{name} does not state its {', '.join(missing)}: add them, such as "
                f"{name}?rate=100&order=ZNE&phases=NPS"
            )
        return cls(**values)


def _parsed(key: str, value: Any) -> Any:
    """Return the value of a property, which may be a text of the command line."""
    try:
        if value is None:
            return None
        if key == "rate" and 0 <= float(value) < float("inf"):
            return float(value)
        if key == "window" and 1 < int(value) <= MAX_SAMPLES:
            return int(value)
        if key in ("order", "phases") and str(value).isalnum():
            return str(value).upper()
        if value in {"norm": NORMS, "output": OUTPUTS}.get(key, ()):
            return str(value)
    except (TypeError, ValueError):
        pass
    allowed = {
        "rate": "a number of Hz",
        "window": f"a number of samples up to {MAX_SAMPLES}",
        "norm": " or ".join(NORMS),
        "output": " or ".join(OUTPUTS),
    }
    raise InputError(f"{key} must be {allowed.get(key, 'letters, such as ZNE or NPS')}, got {value}")


def onnx_network(path: str, settings: Mapping[str, str] | None = None) -> OnnxNetwork:
    """Load a network from an ONNX file.

    Parameters
    ----------
    path : str
        The file.
    settings : mapping of str to str, optional
        Fields of `OnnxProperties`, for files that `selfseis export` did not write.

    Raises
    ------
    InputError
        If ONNX Runtime is missing, the file is damaged, or the network does not map windows of components to one
        value of P and of S for each sample.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path} does not exist: give an ONNX file")
    session = _session(file)
    text = session.get_modelmeta().custom_metadata_map.get(METADATA, "{}")
    try:
        stored = json.loads(text)
        if not isinstance(stored, dict):
            raise ValueError("it is not an object")
    except (ValueError, RecursionError) as error:
        raise InputError(f"the entry {METADATA} of {file.name} is damaged: {one_line(error)}") from error
    return OnnxNetwork(session, OnnxProperties.merged(stored, settings or {}, f"onnx:{path}"), file.name)


def _session(path: Path) -> Any:
    """Return a session of ONNX Runtime; the file cannot refer to others, because it is read as a whole."""
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise InputError("ONNX files need ONNX Runtime: pip install 'selfseis[onnx]'") from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises many kinds for damaged files
        raise InputError(f"{path} is damaged or not an ONNX network: {one_line(error)}") from error


class OnnxNetwork(PickerNetwork):
    """Network of an ONNX file that maps windows to logits of P and S.

    One input takes the components, as (n_windows, components, samples) or (n_windows, samples, components). One output
    has a value of each phase for each sample, in either order of the axes; or each phase has an output of its own.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        The network.
    properties : OnnxProperties
        What its tensors do not state.
    name : str
        Name for pages and messages.

    Attributes
    ----------
    name, rate, n_samples : str, float or None, int
        See `PickerNetwork`.

    Raises
    ------
    InputError
        If the tensors do not fit the properties.
    """

    def __init__(self, session: Any, properties: OnnxProperties, name: str) -> None:
        super().__init__()
        self.session, self.properties, self.name = session, properties, name
        self.rate = properties.rate or None
        self._rows = rows_of(name, properties.order or "")
        self._columns = columns_of(name, properties.phases)
        self._length, self._components_last = self._input_shape()
        self.n_samples = self._length + self._length % 2
        self._check_output()

    def forward(self, windows: Tensor) -> Tensor:
        """Return logits of P and S, shape (n_windows, 2, n_samples); see `PickerNetwork`."""
        values = self._run(windows)[:, self._columns]
        logits = values if self.properties.output == "logits" else logits_of(values)
        return lengthened(logits, self.n_samples)

    def _run(self, windows: Tensor) -> Tensor:
        """Return all outputs, shape (n_windows, n_phases, n_samples)."""
        batch = _normalised(
            components_of(windows, self._rows)[..., : self._length], self.properties.norm
        ).detach()
        if self._components_last:
            batch = batch.transpose(1, 2)
        taken = self.session.get_inputs()[0]
        size = taken.shape[0] if isinstance(taken.shape[0], int) and taken.shape[0] > 0 else len(batch)
        outputs = [
            self._arranged(self.session.run(None, {taken.name: _padded(part, size)}))[: len(part)]
            for part in torch.split(batch, size)
        ]
        return torch.cat(outputs)

    def _arranged(self, outputs: list[Any]) -> Tensor:
        """Return outputs as (n_windows, n_phases, n_samples)."""
        n_phases, arrays = len(self.properties.phases or ""), [np.asarray(output) for output in outputs]
        if len(arrays) > 1:
            arrays = [np.stack([array.reshape(len(array), -1) for array in arrays], axis=1)]
        array = arrays[0].astype(np.float32)
        if array.ndim == 3 and array.shape[1] != n_phases and array.shape[2] == n_phases:
            array = array.transpose(0, 2, 1)
        return torch.from_numpy(np.ascontiguousarray(array))

    def _input_shape(self) -> tuple[int, bool]:
        """Return the length of a window, and whether the components are the last axis."""
        inputs, n_components = self.session.get_inputs(), len(self._rows)
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        if len(shape) != 3 or inputs[0].type != "tensor(float)":
            raise InputError(
                f"{self.name} must have one input of float32 with three axes (windows, components, samples), got "
                f"{', '.join(f'{one.type} of shape {one.shape}' for one in inputs) or 'none'}"
            )
        is_last = shape[2] == n_components and shape[1] != n_components
        components, length = (shape[2], shape[1]) if is_last else (shape[1], shape[2])
        if isinstance(components, int) and components != n_components:
            raise InputError(
                f"order={self.properties.order} names {n_components} of the components, but {self.name} takes "
                f"windows of shape {tuple(shape[1:])}: give the order of its components"
            )
        wanted = self.properties.window
        if isinstance(length, int) and wanted not in (None, length):
            raise InputError(f"window={wanted} differs from the {length} samples that {self.name} takes")
        length = length if isinstance(length, int) else wanted
        if length is None:
            raise InputError(f"{self.name} takes windows of any length: add window=N, such as window=3000")
        if not 1 < length <= MAX_SAMPLES:
            raise InputError(f"the window of {self.name} must have 2 to {MAX_SAMPLES} samples, got {length}")
        return length, is_last

    def _check_output(self) -> None:
        """Run the network on a window of noise."""
        noise = torch.randn(1, 3, self.n_samples, generator=torch.Generator().manual_seed(0))
        try:
            outputs = self._run(noise)
        except Exception as error:  # whatever ONNX Runtime raises on shapes that do not fit
            raise InputError(f"{self.name} does not run on a window: {one_line(error)}") from error
        expected = (1, len(self.properties.phases or ""), self._length)
        if tuple(outputs.shape) != expected:
            raise InputError(
                f"{self.name} has outputs of shape {tuple(outputs.shape)}, but phases={self.properties.phases} and a "
                f"window of {self._length} samples need {expected}"
            )
        used = outputs[:, self._columns]
        if self.properties.output == "probability" and not bool(((used >= 0) & (used <= 1)).all()):
            raise InputError(f"{self.name} has outputs that are not between 0 and 1: add output=logits")


def _padded(part: Tensor, size: int) -> Float32Array:
    """Return windows as an array; a network of a fixed number of windows gets zeros for missing ones."""
    return np.ascontiguousarray(torch.nn.functional.pad(part, (0, 0, 0, 0, 0, size - len(part))).numpy())


def _normalised(batch: Tensor, norm: str) -> Tensor:
    if norm == "none":
        return batch
    centred = batch - batch.mean(dim=-1, keepdim=True)
    scale = centred.std(dim=-1, keepdim=True) if norm == "std" else centred.abs().amax(dim=-1, keepdim=True)
    return centred / (scale + 1e-10)
