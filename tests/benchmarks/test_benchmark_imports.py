"""Every module of the benchmarks and every script of the docs can be imported: none uses a name that is gone."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import pytest

from benchmarks import NAMES

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (REPOSITORY / "benchmarks").glob("[a-z]*.py"))
SCRIPTS = sorted((REPOSITORY / "docs").glob("*.py"))
# Run by the Python of a peer's environment, or in need of one.
OTHER_ENVIRONMENTS = {"tensorflow", "tf_keras", "seisbench", "scatseisnet", "matplotlib"}


def imported_or_skipped(import_it) -> object:
    try:
        return import_it()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OTHER_ENVIRONMENTS:
            pytest.skip(f"{error.name} is not installed here")
        raise


@pytest.mark.parametrize("name", MODULES)
def test_a_module_of_the_benchmarks_can_be_imported(name: str) -> None:
    module = imported_or_skipped(lambda: importlib.import_module(f"benchmarks.{name}"))
    assert name not in NAMES or callable(module.run)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_the_docs_can_be_imported(script: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"docs_{script.stem}", script)
    assert spec is not None and spec.loader is not None
    imported_or_skipped(lambda: spec.loader.exec_module(importlib.util.module_from_spec(spec)))


def test_every_benchmark_that_can_be_run_is_a_module() -> None:
    assert set(NAMES) <= set(MODULES)
