"""Loading of a saved model of any task."""

from __future__ import annotations

import json
from pathlib import Path

from selfseis.denoise import Denoiser
from selfseis.errors import InputError
from selfseis.explore import Explorer
from selfseis.pick.picker import Picker


def load_model(folder: str | Path) -> Denoiser | Picker | Explorer:
    """Load a saved model of any task.

    Parameters
    ----------
    folder : str or Path
        Folder of the model.

    Returns
    -------
    Denoiser, Picker or Explorer
        Fitted.

    Raises
    ------
    InputError
        If the folder holds no model, a damaged one, or one of an unknown kind.

    Examples
    --------
    >>> from selfseis import Denoiser, load_model, simulate
    >>> recording = simulate.simulate_noise_recording("white", "fibre", 1 / 60, 50.0, 24, seed=3)
    >>> Denoiser("ridge").fit(recording).save("model")
    >>> load_model("model").verdict_.outcome
    'no_gain'
    """
    folder = Path(folder)
    try:
        kind = json.loads((folder / "model.json").read_text(encoding="utf-8"))["kind"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{folder} holds no model: train one with 'selfseis train denoiser', 'train picker' or 'train explorer'"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the model in {folder} is damaged or of another kind: train it again") from error
    if kind == "denoiser":
        return Denoiser.load(folder)
    if kind == "picker":
        return Picker.load(folder)
    if kind == "explorer":
        return Explorer.load(folder)
    raise InputError(f"the model in {folder} is of the unknown kind {kind!r}: train it again")
