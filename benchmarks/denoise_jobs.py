"""Denoisers that train and run in processes of their own, so that time and memory are theirs alone.

jDAS runs in an environment of its own: ``SELFSEIS_JDAS`` names its
checkout and ``SELFSEIS_JDAS_PYTHON`` the Python that has TensorFlow and tf-keras.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import selfseis
from benchmarks.common import ROOT, progress
from benchmarks.denoise_kept import Outcome, digest_of, kept
from benchmarks.fibre_noise import Samples
from selfseis.errors import InputError

OURS = [sys.executable, "-m", "benchmarks.denoise_worker"]
JDAS_PROGRAM = Path(__file__).with_name("jdas_worker.py")
TRAINED_WITH = ("denoise", "networks", "training", "validation", "recording/preprocessing.py")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Line:
    """What a denoiser is told of a recording beside its samples.

    Attributes
    ----------
    rate : float
        Hz.
    spacing, gauge : float
        m.
    band : tuple of float
        Hz, that the data have already been passed through.
    """

    rate: float
    spacing: float
    gauge: float
    band: tuple[float, float]


def jdas_is_named() -> bool:
    """Whether the user says where jDAS is; says on standard error how, where not."""
    named = all(os.environ.get(name) for name in ("SELFSEIS_JDAS", "SELFSEIS_JDAS_PYTHON"))
    if not named:
        progress(
            "jDAS is left out: name its checkout in SELFSEIS_JDAS and its Python in SELFSEIS_JDAS_PYTHON"
        )
    return named


def run_ours(
    key: str, line: Line, options: dict[str, Any], train: Samples, apply: dict[str, Samples], seed: int = 0
) -> Outcome:
    """Learn from records and denoise others with a `Denoiser`.

    Parameters
    ----------
    key : str
        Beginning of the name under which the outcome is kept; what follows tells data, options and code apart.
    line : Line
        What is known of the recording.
    options : dict
        Of the `Denoiser`.
    train : ndarray, shape (n_records, n_channels, n_samples)
        Records that follow each other.
    apply : dict of ndarray, same shape
        What is denoised.
    seed : int
        Of the `Denoiser`.
    """
    job = {"options": options, "seed": seed, **line.__dict__}
    return _made(f"{key}-{_source_digest()}", OURS, job, train, apply)


def run_jdas(
    key: str,
    line: Line,
    options: dict[str, Any],
    train: Samples,
    apply: dict[str, Samples],
    seed: int = 0,
    *,
    worker: Path = JDAS_PROGRAM,
) -> Outcome:
    """Train jDAS on records and denoise others; the outputs have names such as ``60:scored``, CPU seconds first.

    Parameters
    ----------
    options : dict
        `start` ("pretrained" or "scratch"), `learning_rate`, `per_channel` (whether each channel is scaled by its
        own standard deviation, and not the record by one) and `cpu_seconds`, the training times (s) after which
        the network is applied.
    key, line, train, apply, seed
        As in `run_ours`.
    worker : Path
        Program that runs jDAS.
    """
    program = [os.environ["SELFSEIS_JDAS_PYTHON"], "-W", "ignore", str(worker)]
    job = {"options": options, "seed": seed, **line.__dict__}
    return _made(f"{key}-jdas", program, job, train, apply)


def _made(
    key: str, program: list[str], job: dict[str, Any], train: Samples, apply: dict[str, Samples]
) -> Outcome:
    told = job | {"apply": list(apply)}
    name = f"{key}-{digest_of(json.dumps(told, sort_keys=True), train, *apply.values())}"
    return kept(name, lambda: _run(program, job, train, apply))


def _run(program: list[str], job: dict[str, Any], train: Samples, apply: dict[str, Samples]) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(job | {"apply": list(apply)}))
        for what, samples in {"train": train, **apply}.items():
            np.save(folder / f"{what}.npy", samples)
        done = subprocess.run(
            [*program, name],
            cwd=ROOT,
            env=os.environ | ONE_THREAD,
            capture_output=True,
            text=True,
            check=False,
        )
        if not (folder / "result.json").exists():
            raise InputError(f"{' '.join(program)} failed: {done.stderr.strip().splitlines()[-1:]}")
        cost = json.loads((folder / "result.json").read_text())
        return Outcome({what: np.load(folder / f"{what}.out.npy") for what in cost["applied"]}, cost)


def _source_digest() -> str:
    """Return a digest of what a denoiser's output depends on, so that no outcome of older code is shown."""
    package = Path(selfseis.__file__).parent
    places = [package / name for name in TRAINED_WITH]
    files = [
        path for place in places for path in (sorted(place.rglob("*.py")) if place.is_dir() else [place])
    ]
    return digest_of(*(path.read_text(encoding="utf-8") for path in files))
