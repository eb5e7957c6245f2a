"""Denoisers in processes of their own: what comes out is kept, and a run goes on from it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.denoise_hidden import _combs
from benchmarks.denoise_jobs import Line, jdas_is_named, run_jdas, run_ours
from benchmarks.denoise_kept import BLIND

from selfseis.errors import InputError

LINE = Line(100.0, 10.0, 10.0, (2.0, 20.0))
HALVING = """
import json, sys
from pathlib import Path
import numpy as np
folder = Path(sys.argv[-1])
job = json.loads((folder / "job.json").read_text())
for name in job["apply"]:
    np.save(folder / f"{name}.out.npy", job["options"]["by"] * np.load(folder / f"{name}.npy"))
cost = {"fit_cpu_s": 1.0, "peak_gb": 0.1, "applied": {name: {"cpu_s": 2.0, "values": 100} for name in job["apply"]}}
(folder / "result.json").write_text(json.dumps(cost))
"""


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program that multiplies in the place of jDAS, and return it."""
    program = tmp_path / "program.py"
    program.write_text(HALVING)
    monkeypatch.setenv("SELFSEIS_JDAS", str(tmp_path))
    monkeypatch.setenv("SELFSEIS_JDAS_PYTHON", sys.executable)
    monkeypatch.setenv("SELFSEIS_BENCH_WORK", str(tmp_path / "work"))
    return program


def test_an_outcome_is_kept_and_found_again(peer: Path) -> None:
    noisy = np.ones((1, 3, 5), np.float32)
    first = run_jdas("key", LINE, {"by": 0.5}, noisy, {"scored": noisy}, worker=peer)
    np.testing.assert_array_equal(first.outputs["scored"], 0.5 * noisy)
    assert first.rate == 50
    nowhere = Path("nowhere")
    again = run_jdas("key", LINE, {"by": 0.5}, noisy, {"scored": noisy}, worker=nowhere)
    np.testing.assert_array_equal(again.outputs["scored"], first.outputs["scored"])
    assert again.cost == first.cost
    with pytest.raises(InputError, match="failed"):
        run_jdas("key", LINE, {"by": 0.25}, noisy, {"scored": noisy}, worker=nowhere)
    assert len(list((peer.parent / "work").iterdir())) == 1


def test_nothing_is_kept_where_no_folder_is_named(peer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELFSEIS_BENCH_WORK")
    noisy = np.ones((1, 3, 5), np.float32)
    assert (
        run_jdas("key", LINE, {"by": 2.0}, noisy, {"scored": noisy}, worker=peer).outputs["scored"].max() == 2
    )
    assert not (peer.parent / "work").exists()


def test_without_jdas_it_is_left_out_and_said_so(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.delenv("SELFSEIS_JDAS", raising=False)
    assert not jdas_is_named()
    assert "SELFSEIS_JDAS_PYTHON" in capsys.readouterr().err


def test_our_denoiser_runs_and_tells_its_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSEIS_BENCH_WORK", str(tmp_path))
    rng = np.random.default_rng(0)
    wave = np.convolve(rng.standard_normal(8192), np.hanning(9), mode="same")
    noisy = (
        (wave + rng.standard_normal((24, 8192))).astype(np.float32).reshape(24, 2, 4096).transpose(1, 0, 2)
    )
    done = run_ours("key", LINE, {"method": "ridge"}, noisy, {"scored": noisy, "quiet": noisy[:1]})
    assert done.outputs["scored"].shape == noisy.shape
    assert done.outputs[f"{BLIND}quiet"].shape == (1, 24, 4096)
    assert done.cost["verdict"]["word"] == "works"
    assert done.cost["applied"]["quiet"]["verdict"]["skill"] > 0.3
    correlation = np.corrcoef(done.outputs["scored"][1].mean(axis=0), wave[4096:])[0, 1]
    assert correlation > 0.8  # records come back in their order


@pytest.mark.parametrize(("apart", "n_samples"), [(1, 1000), (3, 2048), (4, 2500)])
def test_combs_hold_each_channel_once_and_are_long_enough_for_jdas(apart: int, n_samples: int) -> None:
    data = np.arange(26 * n_samples, dtype=np.float32).reshape(26, n_samples)
    combs, plain = _combs(data, apart), _combs(data, apart, lengthened=False)
    assert combs.shape[2] > 2048 and combs.shape[2] % 2048 == 0
    np.testing.assert_array_equal(combs[:, :, :n_samples], plain)
    np.testing.assert_array_equal(np.diff(plain[:, :, 0], axis=1), apart * n_samples)
    assert len(np.unique(plain[:, :, 0])) == 26 // apart * apart
