"""What denoisers made, kept in a folder, so that a long benchmark that was broken off goes on from there.

The folder is the one that ``SELFSEIS_BENCH_WORK`` names; where it is not named nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fibre_noise import Samples
from selfseis.io.atomic import replacing

BLIND = "blind-"  # before the names of outputs that are made without the channels' own observations
MAX_HALF = 1e4  # up to which samples are kept with half precision


@dataclass(frozen=True)
class Outcome:
    """What a denoiser made, and what it cost.

    Attributes
    ----------
    outputs : dict of ndarray, shape (n_records, n_channels, n_samples)
        By the name of what it was applied to.
    cost : dict
        `fit_cpu_s`, `peak_gb`, `applied` (by name `cpu_s` and `values`) and, of ours, verdicts.
    """

    outputs: dict[str, Samples]
    cost: dict[str, Any]

    @property
    def rate(self) -> float:
        """Values denoised in a second of CPU time, the channels' own observations taken in."""
        applied = [a for name, a in self.cost["applied"].items() if not name.startswith(BLIND)]
        return sum(a["values"] for a in applied) / sum(a["cpu_s"] for a in applied)


def kept(name: str, make: Callable[[], Outcome]) -> Outcome:
    """Return an outcome that was kept, or make it and keep it.

    Parameters
    ----------
    name : str
        Of the file; tells data, options and code apart.
    make : callable
        Makes the outcome.
    """
    folder = os.environ.get("SELFSEIS_BENCH_WORK")
    if not folder:
        return make()
    path = Path(folder) / f"{name}.npz"
    if not path.exists():
        outcome = make()
        outputs = {what: _halved(made) for what, made in outcome.outputs.items()}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **outputs, cost=np.array(json.dumps(outcome.cost)))  # type: ignore[arg-type]
    with np.load(path) as stored:
        outputs = {what: stored[what].astype(np.float32) for what in stored.files if what != "cost"}
        return Outcome(outputs, json.loads(str(stored["cost"])))


def digest_of(*parts: str | Samples) -> str:
    """Return a short digest of texts and arrays."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:12]


def _halved(made: Samples) -> Samples:
    return made.astype(np.float16) if np.abs(made).max(initial=0) < MAX_HALF else made
