"""What all benchmarks share: results with the machine they were measured on, tables, intervals."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import selfseis
from selfseis.io.atomic import replacing

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("selfseis", "numpy", "scipy", "xarray", "obspy", "torch", "scikit-learn")

WIDEST_CELL = 60  # characters; the kept result has all of them

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows that share their columns.

    Attributes
    ----------
    title : str
        What the table shows.
    rows : list of dict
        Column to value; what is missing is shown empty.
    """

    title: str
    rows: list[Row]

    def __str__(self) -> str:
        columns = list(dict.fromkeys(column for row in self.rows for column in row))
        cells = [columns, *([_cell(row.get(column, "")) for column in columns] for row in self.rows)]
        widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells]
        rule = "-" * min(sum(widths) + 2 * len(widths), 160)
        return "\n".join([self.title, rule, lines[0], rule, *lines[1:], ""])


@dataclass(frozen=True)
class Measured:
    """What a benchmark found.

    Attributes
    ----------
    claim : str
        What is claimed, in a sentence.
    settings : dict
        All that was chosen, seeds included.
    tables : list of Table
        The numbers.
    findings : list of str
        What the numbers say; what misses its target first.
    """

    claim: str
    settings: dict[str, Any]
    tables: list[Table]
    issues: list[str] = field(default_factory=list)


def progress(text: str) -> None:
    """Say on standard error how far a benchmark is."""
    print(text, file=sys.stderr, flush=True)


def show(name: str, measured: Measured, seconds: float) -> None:
    """Print the claim, the tables and the findings."""
    print(f"\n== {name} ({seconds:.0f} s)\n{measured.claim}\n")
    for table in measured.tables:
        print(table)
    for finding in measured.issues:
        print(f"* {finding}")


def save(name: str, measured: Measured, seconds: float, *, complete: bool) -> Path:
    """Keep a result as JSON with machine and date; return the path relative to the repository."""
    content = {
        "benchmark": name,
        "claim": measured.claim,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "complete": complete,
        "machine": machine(),
        "settings": measured.settings,
        "findings": measured.issues,
        "tables": {table.title: table.rows for table in measured.tables},
    }
    RESULTS.mkdir(exist_ok=True)
    with replacing(RESULTS / f"{name}.json") as path:
        path.write_text(
            json.dumps(content, indent=1, default=_plain, allow_nan=False) + "\n", encoding="utf-8"
        )
    return (RESULTS / f"{name}.json").relative_to(ROOT)


def machine() -> dict[str, Any]:
    """Describe the machine, the software and the state of the source."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {package: _version(package) for package in PACKAGES},
        "source_sha256": SOURCE_DIGEST,
    }


def poisson_interval(expected: float, level: float = 0.95) -> tuple[int, int]:
    """Return the counts between which a Poisson number with this expectation lies with a probability."""
    from scipy.stats import poisson

    low, high = poisson.ppf([(1 - level) / 2, (1 + level) / 2], expected)
    return int(low), int(high)


def binomial_interval(count: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of a share."""
    from scipy.stats import beta

    low = beta.ppf((1 - level) / 2, count, total - count + 1) if count else 0.0
    high = beta.ppf((1 + level) / 2, count + 1, total - count) if count < total else 1.0
    return float(low), float(high)


def half_found(levels: NDArray[np.float64], recall: NDArray[np.float64]) -> float:
    """Return the signal-to-noise ratio from which at least half of the events are found.

    Parameters
    ----------
    levels : ndarray, shape (n_levels,)
        Signal-to-noise ratios in dB, rising.
    recall : ndarray, shape (n_levels,)
        Share of the events found at each.

    Returns
    -------
    float
        Interpolated between levels; the lowest level where half are found even there, infinity where never.
    """
    below = np.flatnonzero(recall < 0.5)
    if not len(below):
        return float(levels[0])
    last = below[-1]
    if last == len(levels) - 1:
        return math.inf
    share = (0.5 - recall[last]) / (recall[last + 1] - recall[last])
    return float(levels[last] + share * (levels[last + 1] - levels[last]))


def half_found_draws(
    levels: NDArray[np.float64], found: dict[str, NDArray[np.bool_]], seed: int, n_draws: int = 2000
) -> dict[str, NDArray[np.float64]]:
    """Draw events again, the same for all methods, and return each method's `half_found` in each draw.

    Parameters
    ----------
    levels : ndarray, shape (n_levels,)
        Signal-to-noise ratios in dB.
    found : dict of ndarray, shape (n_events, n_levels)
        Whether each method found each event at each level.
    seed : int
        Seed of the draws.
    n_draws : int
        Number of draws.
    """
    rng = np.random.default_rng(seed)
    n_events = len(next(iter(found.values())))
    draws = rng.integers(n_events, size=(n_draws, n_events))
    return {
        method: np.array([half_found(levels, hits[drawn].mean(axis=0)) for drawn in draws])
        for method, hits in found.items()
    }


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, tuple | list):
        return " to ".join(_cell(part) for part in value)
    text = str(value)
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 3]}..."


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a result")


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _source_digest() -> str:
    """Return a digest of the package's code, by which a result can be told to be of the code at hand."""
    folder = Path(selfseis.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


SOURCE_DIGEST = _source_digest()  # taken when a run begins: the files may change while it lasts
