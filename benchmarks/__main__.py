"""Run benchmarks: ``python -m benchmarks`` tries all quickly, ``python -m benchmarks NAME`` measures and keeps."""

from __future__ import annotations

import argparse
import importlib
import time

import torch

from benchmarks import NAMES
from benchmarks.common import save, show


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure what selfseis claims. Without names all are tried quickly, and nothing is kept.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="a smaller run, printed and not kept")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}: choose from {', '.join(NAMES)}")
    quick = arguments.quick or not arguments.names
    torch.set_num_threads(1)
    for name in arguments.names or NAMES:
        _run(name, quick)


def _run(name: str, quick: bool) -> None:
    """Keep what is measured so far, so that a benchmark that is interrupted has not run for nothing."""
    began = time.perf_counter()
    measured = None
    for measured in importlib.import_module(f"benchmarks.{name}").run(quick):
        if not quick:
            save(name, measured, time.perf_counter() - began, complete=False)
    seconds = time.perf_counter() - began
    show(name, measured, seconds)
    if not quick:
        print(f"kept in {save(name, measured, seconds, complete=True)}")


if __name__ == "__main__":
    main()
