"""Claim: told how strong the signal is around each cell, the output comes 1 dB farther, not more.

What weighs an observation by Wiener's gain needs the power of the signal and of the noise. Ours measures both. Here
they are told by the truth, in the same frames. That bounds what weighs so, and no other way to denoise.

References
----------
Wiener, N. (1949). Extrapolation, interpolation, and smoothing of stationary time series. MIT Press.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.denoise_data import LEVELS, SCENARIOS, Records
from benchmarks.denoise_fibre import QUICK_SCENARIOS, SEEDS, score_method
from benchmarks.denoise_methods import Case, make_case
from benchmarks.denoise_scores import score_records
from benchmarks.denoise_tables import AMPLITUDE_TARGET, TARGET, fibre_tables
from benchmarks.fibre_noise import Samples
from selfseis.denoise import DenoiserOptions
from selfseis.denoise.windowed_fk import Frames

FRAMES = DenoiserOptions().wiener.frames
MEASURED, RIVAL = "ridge", "AFK, oracle"
AROUND = "told: signal around each cell, mean noise"
CELL = "told: signal of each cell, mean noise"
BOTH = "told: signal and noise of each cell"
FARTHER = 1.0  # dB
ROUNDING = 1e-6  # of the decibels of the table

Gain = Callable[[Frames, Tensor, Tensor], Tensor]


def run(quick: bool) -> Iterator[Measured]:
    scores: list[Row] = []
    facts: list[Row] = []
    cases = [(s, 0) for s in QUICK_SCENARIOS] if quick else [(s, seed) for seed in SEEDS for s in SCENARIOS]
    for scenario, seed in cases:
        case = make_case(scenario, seed)
        for name in (MEASURED, RIVAL):
            of_records, of_method = score_method(name, case)
            scores += of_records
            facts += of_method
        scores += [row for name, gain in GAINS.items() for row in _told_rows(name, gain, case)]
        progress(f"{scenario.label}, seed {seed}: done")
        of_methods, by_input, *_ = fibre_tables(scores, facts)
        yield Measured(
            f"Told how strong the signal is around each cell, the output comes {FARTHER:g} dB farther, not more.",
            _settings(sorted({row["seed"] for row in scores})),
            [of_methods, by_input],
            _findings(of_methods),
        )


def around(frames: Frames, signal: Tensor, noise: Tensor) -> Tensor:
    """Return Wiener's gain from the signal in the frames around a cell, as the denoiser looks at them."""
    told = frames.of_neighbours(signal.clone())
    return told / (told + noise.mean(dim=0))


def of_each_cell(frames: Frames, signal: Tensor, noise: Tensor) -> Tensor:
    """Return Wiener's gain from the signal of the cell itself."""
    return signal / (signal + noise.mean(dim=0))


def of_both(frames: Frames, signal: Tensor, noise: Tensor) -> Tensor:
    """Return Wiener's gain from the signal and the noise of the cell itself, which nobody can know."""
    return signal / (signal + noise).clamp(min=torch.finfo(signal.dtype).tiny)


GAINS: dict[str, Gain] = {AROUND: around, CELL: of_each_cell, BOTH: of_both}


def weighed_as_told(records: Records, gain: Gain) -> Samples:
    """Weigh noisy records, joined as ours sees them, by a gain that the truth tells.

    Parameters
    ----------
    records : Records
        What is true.
    gain : callable
        Maps frames and the power of signal and noise in each of their cells to gains.

    Returns
    -------
    ndarray, shape (n_records, n_channels, n_samples)
    """
    frames = Frames(FRAMES.max_channels, FRAMES.max_samples)
    signal, noise = (frames.of(np.concatenate(list(part), axis=1)) for part in (records.truth, records.noise))
    gains = gain(frames, signal.abs().square(), noise.abs().square())
    n_records, n_channels, n_samples = records.truth.shape
    joined = frames.joined((signal + noise) * gains, (n_channels, n_records * n_samples)).numpy()
    return joined.reshape(n_channels, n_records, n_samples).transpose(1, 0, 2)


def _told_rows(name: str, gain: Gain, case: Case) -> list[Row]:
    known = {"scenario": case.scenario.label, "seed": case.seed, "method": name, "on": "same"}
    return [known | row for row in score_records(case.records, weighed_as_told(case.records, gain))]


def _settings(seeds: list[int]) -> dict[str, Any]:
    return {
        "seeds": seeds,
        "records": f"those of denoise_fibre, input {LEVELS.round(1).tolist()} dB",
        "frames": f"{FRAMES.max_channels} channels x {FRAMES.max_samples} samples, as the denoiser's",
        "baseline": "zero output is 0 dB",
        "measured": "the closed-form filter with its own observation, which is told nothing",
        "rival": "AFK with the setting and the factor that the truth likes best",
    }


def _findings(table: Table) -> list[str]:
    found = {(row["noise"], row["method"]): row for row in table.rows}
    issues = []
    for noise in dict.fromkeys(row["noise"] for row in table.rows):
        measured, rival = found[noise, MEASURED], found[noise, RIVAL]
        farther = found[noise, AROUND]["output dB"] - measured["output dB"]
        state = "kept" if farther <= FARTHER + ROUNDING else "BROKEN"
        issues.append(f"{state}: {noise}: {farther:.2f} dB farther when told around each cell")
        for told in (found[noise, name] for name in GAINS):
            gain, lost = told["output dB"] - rival["output dB"], 1 - told["where loud"]
            issues.append(
                f"{noise}: {told['method']}: {told['output dB']:.1f} dB (measured {measured['output dB']:.1f}), "
                f"{gain:.1f} above AFK: {TARGET:g} dB are {_reach(gain >= TARGET)}; "
                f"{lost:.0%} of the amplitude lost: {AMPLITUDE_TARGET:.0%} are {_reach(lost < AMPLITUDE_TARGET)}"
            )
    return issues


def _reach(possible: bool) -> str:
    return "in reach" if possible else "out of reach of such a gain"
