"""Options: typed, complete, written and read back without loss."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import selfseis
from selfseis.errors import InputError
from selfseis.options import Options, option, option_group

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Inner(Options):
    n_steps: int = option(700, "steps", "benchmarks/picking.py")


@dataclass(frozen=True, kw_only=True)
class Outer(Options):
    band: tuple[float, float] = option((1.0, 20.0), "Hz", "Allen (1978)")
    margin: float = option(0.5, "s", "chosen on NCEDC windows")
    training: Inner = option_group(Inner)


def every_options_class() -> list[type[Options]]:
    for module in pkgutil.walk_packages(selfseis.__path__, "selfseis."):
        if module.name.endswith("options") and "cli" not in module.name:
            importlib.import_module(module.name)
    found, queue = [], list(Options.__subclasses__())
    while queue:
        kind = queue.pop()
        queue += kind.__subclasses__()
        if kind.__module__.startswith("selfseis."):
            found.append(kind)
    return sorted(found, key=lambda kind: kind.__qualname__)


def test_options_survive_json() -> None:
    changed = Outer().with_options(margin=1, training={"n_steps": 8})
    assert changed.training.n_steps == 8
    assert Outer.from_dict(json.loads(json.dumps(changed.to_dict()))) == changed


@pytest.mark.parametrize(
    "values",
    [{"margn": 1.0}, {"margin": "wide"}, {"margin": float("nan")}, {"training": {"n_steps": 1.5}}],
)
def test_a_wrong_option_is_refused_in_one_line(values: dict[str, object]) -> None:
    with pytest.raises(InputError) as raised:
        Outer.from_dict(values)
    assert "\n" not in str(raised.value)


def test_rows_name_the_group() -> None:
    assert [row.name for row in Outer.rows()] == ["band", "margin", "training.n_steps"]


@pytest.mark.parametrize("kind", every_options_class(), ids=lambda kind: kind.__qualname__)
def test_every_option_states_unit_and_source(kind: type[Options]) -> None:
    rows = list(kind.rows())
    assert rows
    for row in rows:
        assert row.unit.strip() and len(row.source) > 3, row
    assert kind.from_dict(json.loads(json.dumps(kind().to_dict()))) == kind()


def test_the_example_of_the_page_of_options_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (REPOSITORY / "docs" / "options.md").read_text(encoding="utf-8")
    exec(text.split("```python\n")[1].split("```")[0], {})
    assert capsys.readouterr().out.startswith("1 event above ")


def test_the_page_of_options_is_current() -> None:
    pages = REPOSITORY / "docs" / "options.py"
    spec = importlib.util.spec_from_file_location("options_page", pages)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: python docs/options.py"
    shown = {row.name for kind, _ in module.SECTIONS.values() for row in kind.rows()}
    for kind in every_options_class():
        for row in kind.rows():
            assert any(name == row.name or name.endswith(f".{row.name}") for name in shown), (kind, row.name)
