"""The folders that hold models of any task: where one may be written, and what is said of one that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfseis.errors import InputError


def check_place(folder: Path) -> None:
    """Refuse a place for a model where something else is, which saving would replace.

    Raises
    ------
    InputError
        If it is a file, or a folder that holds other things than a model.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the model")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "model.json").is_file():
        raise InputError(f"{folder} holds other things than a model: give a folder of its own")


@contextmanager
def reading_model(folder: Path, command: str) -> Iterator[None]:
    """Say in one line why a model cannot be read.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    command : str
        The command that makes such a model.

    Raises
    ------
    InputError
        If the folder holds no model, or a damaged one, or one of another kind.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{folder} holds no model: make one with '{command}'") from error
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        why = str(error).partition("\n")[0]
        raise InputError(
            f"the model in {folder} is damaged or of another kind ({why}): learn it anew"
        ) from error
