"""Pickers side by side: each gives P and S probabilities of raw components, and the same code makes onsets of them.

A peer is any model saved by ``torch.jit.save`` in the folder that the environment variable SELFSEIS_PEERS names:
``NAME.pt`` takes raw counts (n_windows, 3, window) in the order east, north, vertical and gives the probabilities of P
and S, (n_windows, 2, window); ``NAME.json`` tells {"window": samples, "sampling_rate": Hz}, and "high_pass": true where
the model wants the causal high-pass that the picker has. Nothing is downloaded.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from selfseis.catalogue.records import PHASES, Phase
from selfseis.errors import InputError
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.baselines import sta_lta_aic_picks
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import peaks_of
from selfseis.pick.options import InferenceOptions, TriggerOptions

if TYPE_CHECKING:
    from selfseis.pick.picker import Picker

Components = NDArray[
    Any
]  # (3, n_samples): raw east, north and vertical; zero where there is no such component
Onsets = dict[
    Phase, NDArray[np.float64]
]  # for P and S: (n_onsets, 2), seconds after the first sample and height

Stack = Callable[[Any, int, NDArray[Any]], NDArray[np.float32]]  # of a model, its window and the samples

LOWEST = 0.005  # height of the least peak
USUAL_BAR = 0.3  # of a peer
USUAL_RATIOS = {"P": 4.0, "S": 2.0}  # of STA/LTA
LOW_TRIGGER = TriggerOptions(p_trigger=1.5, s_trigger=1.2)
BATCH = 16
WARM_UPS, WARM_UP_WINDOWS = 10, 12


@dataclass(frozen=True)
class Method:
    """A picker under test.

    Attributes
    ----------
    name : str
        Its name in the tables.
    kind : {"ours", "untrained", "simple", "peer"}
        What it is.
    probabilities : callable
        Gives P and S probabilities, shape (2, n_samples), of `Components` and their sampling rate in Hz.
    bar : dict of str to float
        Least height of a pick as its users would take it.
    """

    name: str
    kind: Literal["ours", "untrained", "simple", "peer"]
    probabilities: Callable[[Components, float], NDArray[Any]]
    bar: dict[Phase, float] = field(default_factory=lambda: dict.fromkeys(PHASES, USUAL_BAR))

    def onsets(self, components: Components, rate: float, lowest: float = LOWEST) -> Onsets:
        """Find the peaks of the probabilities, at least a second at 100 Hz from each other."""
        found: Onsets = {}
        for phase, probability in zip(PHASES, self.probabilities(components, rate), strict=True):
            at, height = peaks_of(probability, lowest, InferenceOptions().apart)
            found[phase] = np.stack([at / rate, height], axis=1)
        return found


def all_methods(picker: Picker, learnt_from: Components, *, name: str = "selfseis, in place") -> list[Method]:
    """List the picker, the same network untrained, STA/LTA with AIC, and the peers that the user has."""
    return [ours(picker, name), untrained(picker, learnt_from), sta_lta_aic(), *peers()]


def ours(picker: Picker, name: str = "selfseis, in place") -> Method:
    """Return a fitted picker, at its own sampling rate."""
    return Method(name, "ours", lambda components, rate: picker.probabilities(components), picker.threshold_)


def untrained(picker: Picker, learnt_from: Components, seed: int = 0) -> Method:
    """Return the picker with a network that has seen its data, for the statistics of its layers, but no training."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = OnsetNet().train()
    twin = copy.copy(picker)
    twin.model_ = replace(picker.model_, net=net)
    filtered, _ = CausalHighPass(picker.rate_, _offsets(learnt_from), picker.band)(learnt_from)
    longest = max(1, filtered.shape[1] - picker.window_)
    with torch.no_grad():
        for _ in range(WARM_UPS):
            firsts = rng.integers(longest, size=WARM_UP_WINDOWS)
            windows = np.stack([filtered[:, first : first + picker.window_] for first in firsts])
            twin.net_(torch.from_numpy(windows))
    twin.net_.eval()
    return Method(
        "same network untrained", "untrained", lambda components, rate: twin.probabilities(components)
    )


def sta_lta_aic() -> Method:
    """Return the simplest picker; the height of an onset of ratio r is r / (1 + r), the odds of which are the ratio."""

    def probabilities(components: Components, rate: float) -> NDArray[Any]:
        filtered, _ = CausalHighPass(rate, _offsets(components))(np.asarray(components, np.float32))
        spikes = np.zeros((2, filtered.shape[1]))
        for at, phase, ratio in sta_lta_aic_picks(filtered, LOW_TRIGGER):
            row = PHASES.index(phase)
            spikes[row, at] = max(spikes[row, at], ratio / (1 + ratio))
        return spikes

    bar: dict[Phase, float] = {phase: USUAL_RATIOS[phase] / (1 + USUAL_RATIOS[phase]) for phase in PHASES}
    return Method("STA/LTA + AIC", "simple", probabilities, bar)


def peers(*, averaged: bool = False) -> list[Method]:
    """List the models in the folder that SELFSEIS_PEERS names; none where it is not set.

    Parameters
    ----------
    averaged : bool
        Average windows that overlap by half, as SeisBench does by default, instead of the most central one.
    """
    folder = os.environ.get("SELFSEIS_PEERS")
    stack = _averaged_windows if averaged else _centred_windows
    return [_peer(path, stack) for path in sorted(Path(folder).glob("*.pt"))] if folder else []


def peer(name: str) -> Method | None:
    """Return a peer by name, or None where the user does not have it."""
    return next((method for method in peers() if method.name == name), None)


def peers_note() -> str:
    """Say which peers take part, or why none does."""
    names = ", ".join(method.name for method in peers())
    return names or "left out: name their folder in SELFSEIS_PEERS (benchmarks/picking_methods.py says how)"


def _peer(path: Path, stack: Stack) -> Method:
    try:
        described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        window, own_rate = int(described["window"]), float(described["sampling_rate"])
        high_pass = bool(described.get("high_pass", False))
        model = torch.jit.load(str(path), map_location="cpu").eval()
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"the peer {path} cannot be read ({str(error).partition(chr(10))[0]})") from error

    def probabilities(components: Components, rate: float) -> NDArray[Any]:
        from scipy.signal import resample_poly

        data = np.nan_to_num(np.asarray(components, np.float32) - _offsets(components)[:, None])
        ratio = Fraction(own_rate / rate).limit_denominator(1000)
        heard = data if ratio == 1 else resample_poly(data, ratio.numerator, ratio.denominator, axis=1)
        if high_pass:
            heard, _ = CausalHighPass(own_rate, np.zeros(len(data), np.float32))(heard)
        found = stack(model, window, heard)
        if ratio == 1:
            return found
        times = np.arange(data.shape[1]) * float(ratio)
        return np.stack([np.interp(times, np.arange(found.shape[1]), row) for row in found])

    return Method(path.stem, "peer", probabilities)


def _centred_windows(model: Any, window: int, data: NDArray[Any]) -> NDArray[np.float32]:
    """Take each sample's probability from the window, of those that overlap by half, in which it is most central."""
    n_samples = data.shape[1]
    found = np.zeros((2, max(window, n_samples)), np.float32)
    for first, of_window in _of_windows(model, window, data):
        begin = 0 if first == 0 else window // 4
        found[:, first + begin : first + window] = of_window[:, begin:]
    return found[:, :n_samples]


def _averaged_windows(model: Any, window: int, data: NDArray[Any]) -> NDArray[np.float32]:
    """Average each sample's probabilities over the windows, of those that overlap by half, that hold it."""
    n_samples = data.shape[1]
    total, count = (
        np.zeros((2, max(window, n_samples)), np.float32),
        np.zeros(max(window, n_samples), np.float32),
    )
    for first, of_window in _of_windows(model, window, data):
        total[:, first : first + window] += of_window
        count[first : first + window] += 1
    return (total / count)[:, :n_samples].astype(np.float32)


def _of_windows(model: Any, window: int, data: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the first sample and the probabilities of each window; windows overlap by half."""
    data = np.pad(data, ((0, 0), (0, max(0, window - data.shape[1]))), mode="edge")
    last = data.shape[1] - window
    firsts = sorted({*range(0, last, window // 2), last})
    for batch in np.array_split(firsts, -(-len(firsts) // BATCH)):
        windows = np.stack([data[:, first : first + window] for first in batch])
        with torch.inference_mode():
            probability = model(torch.from_numpy(np.ascontiguousarray(windows, np.float32))).numpy()
        yield from zip(batch.tolist(), probability, strict=True)


def _offsets(components: Components) -> NDArray[np.float32]:
    return np.nan_to_num(np.nanmedian(components, axis=1)).astype(np.float32)
