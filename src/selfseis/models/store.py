"""Model folders: check of the target before saving, and error messages for unreadable models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfseis.errors import InputError


def check_model_folder(folder: Path) -> None:
    """Check that saving a model would not replace anything other than a model.

    Raises
    ------
    InputError
        If the path is a file, or a folder with other content than a model.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the model")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "model.json").is_file():
        raise InputError(f"{folder} holds other files than a model: give a new or empty folder")


@contextmanager
def reading_model(folder: Path, command: str) -> Iterator[None]:
    """Turn errors while reading a model into one-line messages.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    command : str
        The command that trains such a model.

    Raises
    ------
    InputError
        If the folder holds no model, or a damaged one, or one of another kind.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{folder} holds no model: train one with '{command}'") from error
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        why = str(error).partition("\n")[0]
        raise InputError(
            f"the model in {folder} is damaged or of another kind ({why}): train it again"
        ) from error
