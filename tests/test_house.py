"""The house rules that no reader of one file can see: light imports, imports that run downwards, short files."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import selfseis

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = Path(selfseis.__file__).parent
HEAVY = {"torch", "obspy", "xarray", "scipy", "dascore", "matplotlib", "pandas", "h5py", "sklearn", "zarr"}
PUBLIC = sorted(
    ".".join(("selfseis", *path.parent.relative_to(PACKAGE).parts)) for path in PACKAGE.rglob("__init__.py")
)


def rooms() -> list[str]:
    """Return the rooms of the diagram in CONTRIBUTING.md, from the lowest to the highest."""
    page = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    diagram = page.partition("<!-- rooms:start -->")[2].partition("<!-- rooms:end -->")[0]
    return [line.split()[0] for line in diagram.splitlines() if line and line[0].isalpha()][::-1]


ROOMS = rooms()


def run_python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["selfseis", "selfseis.cli"])
def test_importing_is_quick_and_loads_nothing_heavy(module: str) -> None:
    code = (
        "import sys, time; begin = time.process_time()\n"
        f"import {module}\n"
        "print(time.process_time() - begin, *{name.partition('.')[0] for name in sys.modules})"
    )
    seconds, *loaded = run_python(code).split()
    assert not HEAVY & set(loaded)
    assert float(seconds) < 0.5


@pytest.mark.parametrize(
    "code",
    [
        "import selfseis, selfseis.cli",
        "from selfseis import Denoiser, Detector, open_recording, write_report",
        "import selfseis.workflow, selfseis.simulate, selfseis.samples, selfseis.training, selfseis.networks",
    ],
)
def test_importing_writes_nothing(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    places = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR")
    run_python(code, **dict.fromkeys(places, str(tmp_path)))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_exist_and_say_what_they_are(module: str) -> None:
    imported = importlib.import_module(module)
    assert imported.__doc__
    for name in imported.__all__:
        found = getattr(imported, name)
        if callable(found):
            assert found.__doc__, f"{module}.{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Denoizer'"):
        selfseis.Denoizer  # noqa: B018
    assert dir(selfseis) == sorted(selfseis.__all__)


def imports_of(path: Path) -> Iterator[str]:
    """Names of the modules of selfseis that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == "selfseis")


def test_the_diagram_names_every_room() -> None:
    homes = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    assert set(ROOMS) == homes - {"__init__"} and len(ROOMS) == len(set(ROOMS))


def test_imports_run_downwards() -> None:
    for path in PACKAGE.rglob("*.py"):
        home = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if home == "__init__":
            assert list(imports_of(path)) == []
            continue
        allowed = {*ROOMS[: ROOMS.index(home) + 1], "__version__"}
        upwards = [name for name in imports_of(path) if name.split(".")[1] not in allowed]
        assert upwards == [], f"{path.relative_to(PACKAGE)} imports {upwards}"


def test_no_module_imports_itself_through_others() -> None:
    """No cycle, imports for type checking and those inside functions counted."""
    modules = {_module_of(path): path for path in PACKAGE.rglob("*.py")}
    imports = {
        name: {_longest_module(found, modules) for found in imports_of(path)} - {name}
        for name, path in modules.items()
    }
    while imports:  # take away what imports nothing that is left
        free = {name for name, needed in imports.items() if not needed & imports.keys()}
        if not free:
            break
        imports = {name: needed for name, needed in imports.items() if name not in free}
    assert imports == {}, f"cycles among {sorted(imports)}"


def _module_of(path: Path) -> str:
    return ".".join(("selfseis", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def _longest_module(name: str, modules: dict[str, Path]) -> str:
    """Return the module that a dotted name lies in."""
    while name not in modules:
        name = name.rpartition(".")[0]
    return name


def test_files_are_short() -> None:
    files = [
        path
        for name in ("src", "tests", "benchmarks", "examples")
        for path in (REPOSITORY / name).rglob("*.py")
    ]
    too_long = {str(path): n for path in files if (n := len(path.read_text().splitlines())) > 600}
    assert too_long == {}


def test_the_package_is_typed_and_its_extras_are_there() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert (PACKAGE / "py.typed").is_file()
    assert "py.typed" in project["tool"]["setuptools"]["package-data"]["selfseis"]
    assert set(project["project"]["optional-dependencies"]) >= {"das", "dask", "seisbench", "web", "dev"}
    assert project["project"]["version"] == selfseis.__version__
    assert project["project"]["scripts"] == {"selfseis": "selfseis.cli:main"}


@pytest.mark.skipif(
    not (shutil.which("git") and (REPOSITORY / ".git").exists()),
    reason="not a git checkout: no list of files",
)
def test_no_file_names_a_place_on_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, check=True,
    )  # fmt: skip
    place = re.compile(rb"(?<![\w.])/(?:work|root|home|Users)/\w")
    for name in listed.stdout.decode().split("\0"):
        path = REPOSITORY / name
        if path.is_file():
            assert not place.search(path.read_bytes()), f"{name} names a place on one machine"
