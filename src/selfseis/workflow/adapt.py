"""Job of adapting a trained picker to a recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import Pick
from selfseis.errors import InputError
from selfseis.foreign_networks.picker_registry import PickerName, network_of
from selfseis.io.atomic import remove
from selfseis.models.store import check_model_folder
from selfseis.pick.picker import Picker
from selfseis.workflow.results import checkpoint_beside, progress_bar

if TYPE_CHECKING:
    from torch import nn


def parent_of(name: str | None, rate: float) -> Picker | nn.Module | None:
    """Return the picker or network to start from.

    Parameters
    ----------
    name : str or None
        Folder of a trained picker, or ``KIND:NAME`` as in `selfseis.foreign_networks.picker_registry`; None for the
        starting network.
    rate : float
        Sampling rate in Hz of the recordings.

    Raises
    ------
    InputError
        If there is no such picker, or it has no weights to train.
    """
    if name is None:
        return None
    if ":" not in name or Path(name).is_dir():
        return Picker.load(name)
    kind = PickerName.parse(name).kind
    if kind != "seisbench":
        raise InputError(
            f"{name} cannot be adapted: only networks of SeisBench and pickers of selfseis have weights to train; "
            "use it with 'selfseis pick --picker'"
        )
    return network_of(name, rate)


def adapt_picker(
    recording: xr.DataArray,
    model: Path,
    picker: Picker | None = None,
    parent: Picker | nn.Module | None = None,
    *,
    labels: Path | str | Sequence[Pick] | None = None,
    console: Console | None = None,
) -> Picker:
    """Adapt a picker to a recording and save it, or the parent where held-out data do not prefer the change.

    An interrupted job resumes.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    model : Path
        Folder of the model.
    picker : Picker, optional
        Settings; a picker that is not yet fitted.
    parent : Picker or nn.Module, optional
        What to start from; by default the starting network.
    labels : path or sequence of Pick, optional
        A few labels.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    Picker
        Fitted; its `adaptation_` says what happened.
    """
    check_model_folder(model)
    picker = picker or Picker()
    checkpoint = checkpoint_beside(model)
    with progress_bar("adapting the picker", console) as progress:
        picker.adapt(
            recording,
            parent,
            labels=labels,
            checkpoint=checkpoint,
            progress=lambda stage: progress(stage.step, stage.max_steps),
        )
    picker.save(model)
    remove(checkpoint)
    return picker
