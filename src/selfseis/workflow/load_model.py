"""Models of any task, told apart by what they say of themselves."""

from __future__ import annotations

import json
from pathlib import Path

from selfseis.denoise import Denoiser
from selfseis.errors import InputError
from selfseis.explore import Explorer
from selfseis.pick.picker import Picker


def load_model(folder: Path) -> Denoiser | Picker | Explorer:
    """Load a model, whatever its task.

    Parameters
    ----------
    folder : Path
        Folder of the model.

    Raises
    ------
    InputError
        If the folder holds no model, a damaged one, or one of an unknown kind.
    """
    try:
        kind = json.loads((folder / "model.json").read_text(encoding="utf-8"))["kind"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{folder} holds no model: make one with 'selfseis train denoiser', 'learn picker' or 'learn explorer'"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the model in {folder} is damaged or of another kind: learn it anew") from error
    if kind == "denoiser":
        return Denoiser.load(folder)
    if kind == "picker":
        return Picker.load(folder)
    if kind == "explorer":
        return Explorer.load(folder)
    raise InputError(f"the model in {folder} is of the unknown kind {kind!r}: learn it anew")
