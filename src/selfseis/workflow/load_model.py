"""Loading of a saved model of any task."""

from __future__ import annotations

from pathlib import Path

from selfseis.denoise import Denoiser
from selfseis.detect import Detector
from selfseis.errors import InputError
from selfseis.explore import Explorer
from selfseis.models.store import kind_of
from selfseis.pick.picker import Picker

ESTIMATORS: tuple[type[Denoiser | Picker | Explorer | Detector], ...] = (Denoiser, Picker, Explorer, Detector)


def load_model(folder: str | Path) -> Denoiser | Picker | Explorer | Detector:
    """Load a saved model of any task.

    Parameters
    ----------
    folder : str or Path
        Folder of the model.

    Returns
    -------
    Denoiser, Picker, Explorer or Detector
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
    kind = kind_of(folder, *(estimator.model_format.command for estimator in ESTIMATORS))
    for estimator in ESTIMATORS:
        if kind == estimator.model_format.kind:
            return estimator.load(folder)
    raise InputError(f"the model in {folder} is of the unknown kind {kind!r}: train it again")
