"""Export of a picker for other programs: as an ONNX file, and as a model folder of SeisBench.

Only the network is exported, with its filter, rate and thresholds as settings. Probabilities that were calibrated on a
recording stay with the picker.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from selfseis.catalogue.records import PHASES
from selfseis.errors import InputError, one_line
from selfseis.foreign_networks.exported_network import ExportedNetwork
from selfseis.foreign_networks.onnx_network import METADATA, OnnxProperties
from selfseis.io.atomic import replacing, to_json
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.high_pass import default_corner
from selfseis.pick.picker import Picker

COMPONENTS, LABELS = "ENZ", "PS"
NAME, VERSION = "selfseis", "1"  # of the files in a model folder of SeisBench
SEISBENCH = (
    "0.8"  # lowest version whose models have the methods of `selfseis.foreign_networks.seisbench_model`
)
LOADING = (
    "P and S picker of selfseis. Load it with: from selfseis.foreign_networks.seisbench_model import OnsetPicker; "
    "OnsetPicker.load('FOLDER/selfseis', version_str='1')"
)


def export_onnx(picker: Picker, path: str | Path) -> None:
    """Write the network of a picker as an ONNX file, whole or not at all.

    The input ``waveforms`` has the shape (n_windows, 3, window): east, north and vertical in any unit, after the
    high-pass or band-pass of the picker. The output ``probabilities`` has the shape (n_windows, 2, window): P and S.
    Rate, order of components, filter and thresholds are in the metadata of the file under ``selfseis_picker``.

    Parameters
    ----------
    picker : Picker
        Fitted.
    path : str or Path
        The file.

    Raises
    ------
    InputError
        If the extra ``onnx`` is missing, or the network is not one of selfseis.

    Examples
    --------
    >>> from selfseis import Picker
    >>> from selfseis.pick.export import export_onnx
    >>> export_onnx(Picker.load("results/model"), "picker.onnx")  # doctest: +SKIP
    """
    net = _own_network(picker)
    window = torch.zeros(2, 3, picker.window_)
    with _quietly():
        try:
            program: Any = torch.onnx.export(
                ExportedNetwork(net, picker.window_, _reductions(picker)).eval(),
                (window,),
                None,
                input_names=["waveforms"],
                output_names=["probabilities"],
                dynamic_shapes={"waveforms": {0: torch.export.Dim("n_windows")}},
                dynamo=True,
                verbose=False,
            )
        except ImportError as error:
            raise InputError(
                f"export to ONNX needs onnx and onnxscript ({one_line(error)}): pip install 'selfseis[onnx]'"
            ) from error
        properties = json.loads(
            OnnxProperties(
                rate=picker.rate_, order=COMPONENTS, phases=LABELS, window=picker.window_
            ).to_json()
        )
        program.model.metadata_props[METADATA] = json.dumps(
            properties | {"filter": _filter_of(picker), "thresholds": _thresholds(picker)}
        )
        with replacing(Path(path)) as temporary:
            program.save(temporary, external_data=False)


def export_seisbench(picker: Picker, folder: str | Path) -> None:
    """Write a picker as a model of SeisBench: ``selfseis.pt.v1`` and ``selfseis.json.v1`` in a folder.

    No class of SeisBench has the architecture of the picker.
    `selfseis.foreign_networks.seisbench_model.OnsetPicker` is a ``WaveformModel`` that has; it resamples, filters,
    annotates and classifies as SeisBench's own models do.

    Parameters
    ----------
    picker : Picker
        Fitted.
    folder : str or Path
        The folder; created if needed, other files in it are kept.

    Raises
    ------
    InputError
        If the network is not one of selfseis, or the folder is a file.

    Examples
    --------
    >>> from selfseis import Picker
    >>> from selfseis.pick.export import export_seisbench
    >>> export_seisbench(Picker.load("results/model"), "for-seisbench")  # doctest: +SKIP
    """
    net, place = _own_network(picker), Path(folder)
    if place.is_file():
        raise InputError(f"{folder} is a file: give a folder for the model")
    kind, corners = _filter_of(picker)
    description = {
        "docstring": LOADING,
        "model_args": {
            "sampling_rate": picker.rate_,
            "in_samples": picker.window_,
            "reductions": _reductions(picker),
            "filter_args": [kind],
            "filter_kwargs": corners,
        },
        "seisbench_requirement": SEISBENCH,
        "default_args": {f"{phase}_threshold": value for phase, value in _thresholds(picker).items()},
        "version": VERSION,
    }
    with replacing(place / f"{NAME}.pt.v{VERSION}") as temporary:
        torch.save({f"network.net.{name}": value for name, value in net.state_dict().items()}, temporary)
    with replacing(place / f"{NAME}.json.v{VERSION}") as temporary:
        temporary.write_text(to_json(description) + "\n", encoding="utf-8")


def _own_network(picker: Picker) -> OnsetNet:
    if not isinstance(picker.net_, OnsetNet):
        name = getattr(picker.net_, "name", type(picker.net_).__name__)
        raise InputError(
            f"only networks of selfseis are exported, this picker has {name}: export it with its own tools"
        )
    return picker.net_.eval()


def _reductions(picker: Picker) -> list[int]:
    """Return the factors of the rates that inference averages."""
    return list(picker.options.inference.reductions)


def _filter_of(picker: Picker) -> tuple[str, dict[str, Any]]:
    """Return the filter of a picker as the arguments of ObsPy's `Stream.filter`."""
    about = {"corners": 2, "zerophase": False}
    if picker.band is None:
        return "highpass", {"freq": default_corner(picker.rate_, picker.options.filter), **about}
    low, high = picker.band
    if high >= 0.98 * picker.rate_ / 2:  # as in `CausalHighPass`
        return "highpass", {"freq": low, **about}
    return "bandpass", {"freqmin": low, "freqmax": high, **about}


def _thresholds(picker: Picker) -> dict[str, float]:
    """Return the heights of the picker's operating point; 1, which no pick reaches, where there is none."""
    return {
        phase: round(picker.threshold_[phase], 6) if np.isfinite(picker.threshold_[phase]) else 1.0
        for phase in PHASES
    }


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's own warnings from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
