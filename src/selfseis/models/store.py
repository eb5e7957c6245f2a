"""Storage of fitted models in a folder: parameters and state as JSON, arrays as safetensors.

Both files appear together or not at all, and nothing in them is executed when they are read. A checksum of both
is compared before a model is made of them; models of older versions of selfseis have none.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from selfseis import __version__
from selfseis.base import Estimator
from selfseis.errors import InputError
from selfseis.io.atomic import replacing, to_json
from selfseis.options import Options

if TYPE_CHECKING:
    from torch import Tensor, nn

Model = TypeVar("Model")
DESCRIPTION = "model.json"
TENSORS = "model.safetensors"
_CHECKSUM = "checksum"
VERSIONS = "versions"  # of the software that wrote the model; older models have none
_HEAD = frozenset({"format", "kind", "parameters", VERSIONS, _CHECKSUM})


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A fitted model as plain values and arrays.

    Attributes
    ----------
    parameters : dict of str to Any
        Arguments of the estimator, as `Estimator.plain_params` gives them.
    state : dict of str to Any
        The values of the fitted state that JSON can hold. A number that is not finite is stored as null, and read as
        None.
    tensors : dict of str to ndarray
        Its arrays.
    """

    parameters: dict[str, Any]
    state: dict[str, Any]
    tensors: dict[str, NDArray]

    def tensor(self, name: str, *shape: int | None, may_be_nan: bool = False) -> NDArray:
        """Return an array after a check of its shape and values.

        Parameters
        ----------
        name : str
            Name of the array.
        *shape : int or None
            The expected length of each axis; None accepts any.
        may_be_nan : bool
            Whether NaN stands for missing values; otherwise all values must be finite.

        Raises
        ------
        ValueError
            If the shape is another one, or a value is not finite.
        """
        values = self.tensors[name]
        if len(values.shape) != len(shape) or any(
            wanted not in (None, length) for wanted, length in zip(shape, values.shape, strict=True)
        ):
            expected = " x ".join("any" if length is None else str(length) for length in shape)
            raise ValueError(f"{name} has shape {values.shape} instead of {expected}")
        if np.isinf(values).any() or (not may_be_nan and np.isnan(values).any()):
            raise ValueError(f"{name} holds values that are not finite")
        return values

    def group(self, prefix: str) -> dict[str, NDArray]:
        """Return the arrays whose names begin with ``prefix.``, under the rest of their names; all are finite."""
        names = [name for name in self.tensors if name.startswith(f"{prefix}.")]
        return {
            name.removeprefix(f"{prefix}."): self.tensor(name, *self.tensors[name].shape) for name in names
        }

    def load_weights(self, net: nn.Module, prefix: str) -> None:
        """Set the weights of a network to the arrays that `weights` returned.

        Raises
        ------
        RuntimeError
            If a weight is missing or of another shape.
        """
        import torch

        net.load_state_dict({name: torch.from_numpy(v.copy()) for name, v in self.group(prefix).items()})


def weights(net: nn.Module, prefix: str) -> dict[str, NDArray]:
    """Return the weights of a network as arrays; the names begin with ``prefix.``."""
    state: dict[str, Tensor] = net.state_dict()
    return {f"{prefix}.{name}": value.numpy() for name, value in state.items()}


@dataclass(frozen=True)
class ModelFormat(Generic[Model]):
    """How models of one kind are stored.

    Attributes
    ----------
    kind : str
        Name of the estimator in lower case.
    version : int
        Changes when older models can no longer be read.
    command : str
        How such a model is trained; named where there is none.
    pack : callable
        Returns the state and the arrays of a fitted model, given the parameters of its estimator.
    unpack : callable
        Returns the fitted model from its stored form.
    """

    kind: str
    version: int
    command: str
    pack: Callable[[Model, dict[str, Any]], tuple[dict[str, Any], dict[str, NDArray]]]
    unpack: Callable[[StoredModel], Model]


class StoredEstimator(Estimator, Generic[Model]):
    """Estimator whose fitted state `model_` is saved and loaded; a subclass states its `model_format`."""

    model_format: ClassVar[ModelFormat[Any]]
    model_: Model

    def save(self, folder: str | Path) -> None:
        """Save the parameters and the fitted state as JSON and safetensors, whole or not at all.

        Parameters
        ----------
        folder : str or Path
            Folder of the model; an existing model is replaced.

        Raises
        ------
        InputError
            If the folder holds other files than a model.
        """
        form, parameters = self.model_format, self.plain_params()
        model = StoredModel(parameters, *form.pack(self.model_, parameters))
        check_model_folder(Path(folder))
        _write(Path(folder), form, model)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load a saved model. Nothing in the folder is executed.

        Parameters
        ----------
        folder : str or Path
            Folder of the model.

        Raises
        ------
        InputError
            If the folder holds no model, a damaged one, or one of another kind or format.
        """
        form = cls.model_format
        with _one_line_errors(Path(folder), form.command):
            stored = _read(Path(folder), form)
            estimator = cls.from_plain_params(stored.parameters)
            estimator.model_ = form.unpack(stored)
        return estimator


def _write(folder: Path, form: ModelFormat[Any], model: StoredModel) -> None:
    from safetensors.numpy import save

    head = {
        "format": form.version,
        "kind": form.kind,
        VERSIONS: written_with(),
        "parameters": model.parameters,
    }
    description = json.loads(to_json(head | model.state))
    arrays = save({name: np.ascontiguousarray(values) for name, values in model.tensors.items()})
    text = to_json(description | {_CHECKSUM: checksum_of(description, arrays)})
    with replacing(folder) as temporary:
        temporary.mkdir()
        (temporary / TENSORS).write_bytes(arrays)
        (temporary / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def _read(folder: Path, form: ModelFormat[Any]) -> StoredModel:
    from safetensors.numpy import load

    state = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    arrays = (folder / TENSORS).read_bytes()
    if (state["kind"], state["format"]) != (form.kind, form.version):
        found = f"kind {state['kind']}, format {state['format']}"
        raise ValueError(f"{found} instead of {form.kind}, {form.version}")
    if state.get(_CHECKSUM) not in (None, checksum_of(state, arrays)):
        raise ValueError("its checksum differs")
    fitted = {name: value for name, value in state.items() if name not in _HEAD}
    return StoredModel(state["parameters"], fitted, load(arrays))


def checksum_of(description: dict[str, Any], arrays: bytes) -> str:
    """Return the checksum of a stored model.

    Parameters
    ----------
    description : dict
        What `DESCRIPTION` holds; a checksum in it does not count.
    arrays : bytes
        The content of `TENSORS`.
    """
    stated = {name: value for name, value in description.items() if name != _CHECKSUM}
    digest = hashlib.sha256(json.dumps(stated, sort_keys=True).encode())
    digest.update(arrays)
    return digest.hexdigest()


def written_with() -> dict[str, str]:
    """Return the versions of this package and of those that decide the numbers of a model."""
    packages = {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "torch")}
    return {"selfseis": __version__, "python": platform.python_version(), **packages}


def describe(folder: Path, *commands: str) -> dict[str, Any]:
    """Return the description of the model in a folder, as it is stored.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    *commands : str
        Commands that train models, for the message of the error.

    Raises
    ------
    InputError
        If the folder holds no model, or a damaged one.
    """
    with _one_line_errors(folder, *commands):
        return dict(json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))


def kind_of(folder: Path, *commands: str) -> str:
    """Return the kind of the model in a folder.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    *commands : str
        Commands that train models, for the message of the error.

    Raises
    ------
    InputError
        If the folder holds no model, or a damaged one.
    """
    description = describe(folder, *commands)
    with _one_line_errors(folder, *commands):
        return str(description["kind"])


def check_model_folder(folder: Path) -> None:
    """Check that saving a model would not replace anything other than a model.

    Raises
    ------
    InputError
        If the path is a file, or a folder with other content than a model.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the model")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / DESCRIPTION).is_file():
        raise InputError(f"{folder} holds other files than a model: give a new or empty folder")


def fingerprint(*parts: Any) -> str:
    """Return a short text that differs where any part differs.

    Parameters
    ----------
    *parts : ndarray, Options, or values that JSON can hold
        Arrays count with their bytes.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(part, default=Options.to_dict).encode())
    return digest.hexdigest()[:16]


@contextmanager
def _one_line_errors(folder: Path, *commands: str) -> Iterator[None]:
    """Turn errors while reading a model into one-line messages."""
    from safetensors import SafetensorError

    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        how = " or ".join(f"'{command}'" for command in commands)
        raise InputError(f"{folder} holds no model: train one with {how}") from error
    except (
        AttributeError,
        LookupError,
        MemoryError,
        OSError,
        RuntimeError,
        SafetensorError,
        TypeError,
        ValueError,
    ) as error:
        why = str(error).partition("\n")[0]
        if isinstance(error, InputError) and "pip install" in why:  # the model is whole, its extra is missing
            raise
        raise InputError(
            f"the model in {folder} is damaged or of another kind ({why}): train it again"
        ) from error
