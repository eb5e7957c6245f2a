"""Names that the user gave to classes, kept from run to run."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from selfseis.recording import UnusableInput
from selfseis.recording.atomic import write_json

NAMES = "class_names.json"


def kept_names(folder: Path, table: pd.DataFrame) -> dict[str, str]:
    """Read the names that the user gave to classes, carried over where an earlier run numbered them otherwise."""
    names, path = read_names(folder), folder / NAMES
    if not names or not (folder / "segments.csv").is_file():
        return names
    before = pd.read_csv(folder / "segments.csv", usecols=["seed_id", "start", "class"])
    both = table[["seed_id", "start", "class"]].merge(
        before, on=["seed_id", "start"], suffixes=("", "_before")
    )
    carried = {}
    for key, name in names.items():
        now = both.loc[(both["class_before"] == int(key)) & (both["class"] >= 0), "class"]
        if len(now):
            carried[str(int(now.mode().iloc[0]))] = name
    if carried and carried != names:
        write_json(folder / "class_names.before.json", names)
        write_json(path, carried)
        return carried
    return names


def read_names(folder: Path) -> dict[str, str]:
    """Read the names that the user gave to classes; none where there is no file.

    Raises
    ------
    UnusableInput
        If the file holds something else.
    """
    path = folder / NAMES
    if not path.is_file():
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return {str(int(key)): str(value) for key, value in given.items()}
    except (ValueError, AttributeError) as error:
        raise UnusableInput(f"{path} does not hold names of classes: mend it or remove it") from error
