"""Baselines of the picker: an STA/LTA trigger with AIC onsets, and the untrained network.

P is a jump in energy on the vertical component. S is the greatest further jump on the horizontal components within the
range of S - P. The Akaike information criterion of a change of variance gives each onset (Maeda, 1985, *Zisin* 38).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from selfseis.catalogue.records import Phase
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import OnsetCandidates, ProgressCallback
from selfseis.pick.options import TriggerOptions
from selfseis.recording.components import Station
from selfseis.recording.coverage import covered_tiles
from selfseis.training import one_thread
from selfseis.typing import Float32Array, FloatArray, IndexArray

Signal = NDArray[np.floating]


def sta_lta_aic_picks(
    data: Signal, options: TriggerOptions = TriggerOptions()
) -> list[tuple[int, Phase, float]]:
    """Pick P and S of a station.

    Parameters
    ----------
    data : ndarray, shape (3, n_samples)
        East, north and vertical, band-passed, without NaN; a missing component is zero throughout. A single component
        serves for both phases.
    options : TriggerOptions
        Window lengths in samples, and minimum ratios.

    Returns
    -------
    list of (int, str, float)
        Sample, phase and score, in the order of samples. The score of a P is its STA/LTA. The score of an S is its
        ratio of energies, at most the score of its P.
    """
    live = np.any(data != 0, axis=1)
    if not live.any() or data.shape[1] <= options.long + options.short:
        return []
    vertical = np.asarray(data[2:] if live[2] else data[live], np.float64)
    horizontal = np.asarray(data[:2] if live[:2].any() else vertical, np.float64)
    picks: list[tuple[int, Phase, float]] = []
    tops, ratios = _triggers(_sta_lta(_energy(vertical), options), options.p_trigger, options.apart)
    sums = np.concatenate([[0.0], np.cumsum(_energy(horizontal))])
    for top, ratio in zip(tops.tolist(), ratios.tolist(), strict=True):
        onset = aic_onset(vertical, top - options.short // 2, options.search)
        picks.append((onset, "P", ratio))
        jump, s_ratio = _greatest_jump(sums, onset, options)
        if s_ratio >= options.s_trigger:
            picks.append((aic_onset(horizontal, jump, options.search // 2), "S", min(s_ratio, ratio)))
    return sorted(picks, key=lambda pick: pick[0])


def _energy(data: Signal) -> Signal:
    return np.sum(np.square(data), axis=0)


def _sta_lta(energy: Signal, options: TriggerOptions) -> Signal:
    """Return the mean energy of the short window that ends at a sample, divided by that of the long one before it."""
    sums = np.concatenate([[0.0], np.cumsum(energy)])
    begin = options.long + options.short
    short = (sums[begin:] - sums[options.long : -options.short]) / options.short
    long = (sums[options.long : -options.short] - sums[:-begin]) / options.long
    # Rounding errors of the sums must not give a ratio in silence.
    floor = 1e-9 * sums[-1] / len(energy) + np.finfo(np.float64).tiny
    return np.concatenate(
        [np.zeros(begin - 1), np.where(short > floor, short, 0.0) / np.maximum(long, floor)]
    )


def _triggers(ratio: Signal, min_ratio: float, apart: int) -> tuple[IndexArray, Signal]:
    from scipy.signal import find_peaks

    tops, properties = find_peaks(np.append(ratio, 0.0), height=min_ratio, distance=apart)
    return tops, properties["peak_heights"]


def _greatest_jump(sums: Signal, p_onset: int, options: TriggerOptions) -> tuple[int, float]:
    """Return the sample of the greatest jump in energy after a P, and the ratio of the energies."""
    shortest, longest = options.s_minus_p
    at = np.arange(p_onset + shortest, min(p_onset + longest, len(sums) - 1 - options.s_after))
    if len(at) == 0:
        return 0, 0.0
    # Shortly after P, the window before S must not include times before P.
    before = np.maximum(at - options.s_before, min(p_onset, at[0] - 1))
    after = (sums[at + options.s_after] - sums[at]) / options.s_after
    level = (sums[at] - sums[before]) / (at - before)
    ratio = after / np.maximum(level, np.finfo(np.float64).tiny + 1e-9 * sums[-1] / len(sums))
    # The ratio is relative to the seconds before it, so that a jump in the decaying coda stands out.
    best = int(np.argmax(ratio))
    return int(at[best]), float(ratio[best])


def aic_onset(data: Signal, about: int, reach: int) -> int:
    """Return the AIC onset near a sample: the best split into two parts of different variance.

    Parameters
    ----------
    data : ndarray, shape (n_components, n_samples)
        Band-passed, without NaN.
    about, reach : int
        Centre and half-width of the search in samples.
    """
    first, end = max(0, about - reach), min(data.shape[1], about + reach)
    energy = _energy(data[:, first:end])
    n_samples, margin = len(energy), max(2, reach // 10)
    if n_samples <= 2 * margin or energy.max() == 0:
        return int(np.clip(about, 0, data.shape[1] - 1))
    energy = energy / energy.max() + 1e-9
    sums = np.cumsum(energy)
    left = np.arange(margin, n_samples - margin)
    right = n_samples - left
    aic = left * np.log(sums[left - 1] / left) + right * np.log((sums[-1] - sums[left - 1]) / right)
    return first + int(left[np.argmin(aic)])


@dataclass(frozen=True)
class AicDetector:
    """Detector of onset candidates by STA/LTA and AIC; the height of a candidate is its ratio.

    Attributes
    ----------
    high_pass : CausalHighPass
        Filter.
    options : TriggerOptions
        Window lengths and minimum ratios of the trigger.
    """

    high_pass: CausalHighPass
    options: TriggerOptions = TriggerOptions()

    def find(
        self, recording: xr.DataArray, stations: list[Station], progress: ProgressCallback | None = None
    ) -> list[OnsetCandidates]:
        """Find the onset candidates of each station; positions in samples from the recording's start."""
        onsets: list[dict[str, list[tuple[float, float]]]] = [{"P": [], "S": []} for _ in stations]
        context = self.options.context
        halo = context + self.high_pass.halo
        for tile in covered_tiles(recording, self.options.core, halo):
            data, _ = self.high_pass(tile.data)
            data = data[:, self.high_pass.halo :]
            for station, of_station in zip(stations, onsets, strict=True):
                for at, phase, score in sta_lta_aic_picks(station.components(data), self.options):
                    if context <= at < context + tile.n_core:
                        of_station[phase].append((tile.first + at - context, score))
            if progress is not None:
                progress(tile.first + tile.n_core, recording.sizes["time"])
        return [OnsetCandidates(_sorted(here["P"]), _sorted(here["S"])) for here in onsets]


def _sorted(onsets: list[tuple[float, float]]) -> FloatArray:
    array = np.array(onsets, float).reshape(-1, 2)
    return array[np.argsort(array[:, 0], kind="stable")]


def untrained_net(windows: Iterable[Float32Array], seed: int, batch_size: int) -> OnsetNet:
    """Return a network with random weights, whose normalisation is set on some windows.

    Parameters
    ----------
    windows : iterable of ndarray, shape (3, n_samples)
        East, north and vertical, filtered.
    seed : int
        Seed of the weights.
    batch_size : int
        Number of windows that are normalised together, as in training.
    """
    torch.manual_seed(seed)
    net = OnsetNet().train()
    samples = np.stack(list(windows))
    with one_thread(), torch.no_grad():
        for batch in np.array_split(samples, -(-len(samples) // batch_size)):
            net(torch.from_numpy(batch))
    return net.eval()
