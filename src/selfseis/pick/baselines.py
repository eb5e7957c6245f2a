"""The simplest picker, and the baseline to beat: an STA/LTA trigger, its onset refined by AIC.

P is where the energy of the vertical component jumps; S is the greatest further jump on the horizontal ones within
the S - P times that are looked for. Each onset is where two stretches of different variance meet best (Maeda, 1985,
*Zisin* 38; the Akaike information criterion of a change of variance).
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
from selfseis.recording.components import Station
from selfseis.recording.coverage import covered_tiles
from selfseis.training import one_thread
from selfseis.typing import Float32Array, FloatArray, IndexArray

Signal = NDArray[np.floating]


@dataclass(frozen=True)
class TriggerWindows:
    """Lengths of the windows, in samples. The defaults are 0.5 s, 10 s and so on at 100 Hz.

    Attributes
    ----------
    short, long : int
        Windows of the short and the long average.
    s_before, s_after : int
        Windows before and after an S whose energies are compared.
    s_minus_p : tuple of int
        Least and largest S - P.
    search : int
        How far from the trigger AIC looks for the onset.
    apart : int
        Least distance of two P.
    """

    short: int = 50
    long: int = 1000
    s_before: int = 100
    s_after: int = 60
    s_minus_p: tuple[int, int] = (30, 1300)
    search: int = 100
    apart: int = 100


def sta_lta_aic_picks(
    data: Signal,
    *,
    p_trigger: float = 4.0,
    s_trigger: float = 2.0,
    windows: TriggerWindows | None = None,
) -> list[tuple[int, Phase, float]]:
    """Pick P and S of a station.

    Parameters
    ----------
    data : ndarray, shape (3, n_samples)
        East, north and vertical, band-passed, without NaN; a component that is missing is zero throughout. One
        alone serves for both phases.
    p_trigger : float
        Least STA/LTA (of amplitudes squared) of a P.
    s_trigger : float
        Least ratio of the energies after and before an S.
    windows : TriggerWindows, optional
        Lengths of the windows.

    Returns
    -------
    list of (int, str, float)
        Sample, phase and score, in the order of samples. The score is the STA/LTA of a P; an S has its own ratio,
        but no more than its P.
    """
    windows = windows or TriggerWindows()
    live = np.any(data != 0, axis=1)
    if not live.any() or data.shape[1] <= windows.long + windows.short:
        return []
    vertical = np.asarray(data[2:] if live[2] else data[live], np.float64)
    horizontal = np.asarray(data[:2] if live[:2].any() else vertical, np.float64)
    picks: list[tuple[int, Phase, float]] = []
    tops, ratios = _triggers(_sta_lta(_energy(vertical), windows), p_trigger, windows.apart)
    sums = np.concatenate([[0.0], np.cumsum(_energy(horizontal))])
    for top, ratio in zip(tops.tolist(), ratios.tolist(), strict=True):
        onset = aic_onset(vertical, top - windows.short // 2, windows.search)
        picks.append((onset, "P", ratio))
        jump, s_ratio = _greatest_jump(sums, onset, windows)
        if s_ratio >= s_trigger:
            picks.append((aic_onset(horizontal, jump, windows.search // 2), "S", min(s_ratio, ratio)))
    return sorted(picks, key=lambda pick: pick[0])


def _energy(data: Signal) -> Signal:
    return np.sum(np.square(data), axis=0)


def _sta_lta(energy: Signal, windows: TriggerWindows) -> Signal:
    """Return the mean energy of the short window that ends at a sample over that of the long one before it."""
    sums = np.concatenate([[0.0], np.cumsum(energy)])
    begin = windows.long + windows.short
    short = (sums[begin:] - sums[windows.long : -windows.short]) / windows.short
    long = (sums[windows.long : -windows.short] - sums[:-begin]) / windows.long
    # Rounding of the sums must not make a ratio out of silence.
    floor = 1e-9 * sums[-1] / len(energy) + np.finfo(np.float64).tiny
    return np.concatenate(
        [np.zeros(begin - 1), np.where(short > floor, short, 0.0) / np.maximum(long, floor)]
    )


def _triggers(ratio: Signal, least: float, apart: int) -> tuple[IndexArray, Signal]:
    from scipy.signal import find_peaks

    tops, found = find_peaks(np.append(ratio, 0.0), height=least, distance=apart)
    return tops, found["peak_heights"]


def _greatest_jump(sums: Signal, p_onset: int, windows: TriggerWindows) -> tuple[int, float]:
    """Return where energy jumps most after a P, and the ratio of the energies."""
    least, most = windows.s_minus_p
    at = np.arange(p_onset + least, min(p_onset + most, len(sums) - 1 - windows.s_after))
    if len(at) == 0:
        return 0, 0.0
    # Soon after P the window before S must not reach back into the time before P.
    before = np.maximum(at - windows.s_before, min(p_onset, at[0] - 1))
    after = (sums[at + windows.s_after] - sums[at]) / windows.s_after
    level = (sums[at] - sums[before]) / (at - before)
    ratio = after / np.maximum(level, np.finfo(np.float64).tiny + 1e-9 * sums[-1] / len(sums))
    # A jump in the fading coda stands out against the seconds before it; one above what P brought is an S.
    best = int(np.argmax(ratio))
    return int(at[best]), float(ratio[best])


def aic_onset(data: Signal, about: int, reach: int) -> int:
    """Return the sample that divides the stretch about a sample into the two of most different variance.

    Parameters
    ----------
    data : ndarray, shape (n_components, n_samples)
        Band-passed, without NaN.
    about, reach : int
        Where to look, and how many samples before and after.
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


CORE = 60_000
CONTEXT = 4_000  # samples: the long average before, an S and its search after


@dataclass(frozen=True)
class AicDetector:
    """Finds onsets by STA/LTA and AIC; the height of an onset is its ratio.

    Attributes
    ----------
    high_pass : CausalHighPass
        Filter.
    """

    high_pass: CausalHighPass

    def find(
        self, recording: xr.DataArray, stations: list[Station], progress: ProgressCallback | None = None
    ) -> list[OnsetCandidates]:
        """Find the onsets of each station; positions in samples from the recording's start."""
        found: list[dict[str, list[tuple[float, float]]]] = [{"P": [], "S": []} for _ in stations]
        halo = CONTEXT + self.high_pass.halo
        for tile in covered_tiles(recording, CORE, halo):
            data, _ = self.high_pass(tile.data)
            data = data[:, self.high_pass.halo :]
            for station, of_station in zip(stations, found, strict=True):
                for at, phase, score in sta_lta_aic_picks(station.components(data)):
                    if CONTEXT <= at < CONTEXT + tile.n_core:
                        of_station[phase].append((tile.first + at - CONTEXT, score))
            if progress is not None:
                progress(tile.first + tile.n_core, recording.sizes["time"])
        return [OnsetCandidates(_sorted(f["P"]), _sorted(f["S"])) for f in found]


def _sorted(onsets: list[tuple[float, float]]) -> FloatArray:
    array = np.array(onsets, float).reshape(-1, 2)
    return array[np.argsort(array[:, 0], kind="stable")]


BATCH = 12


def untrained_net(windows: Iterable[Float32Array], seed: int) -> OnsetNet:
    """Return a network that was never trained and has only been shown some windows.

    Parameters
    ----------
    windows : iterable of ndarray, shape (3, n_samples)
        East, north and vertical, filtered.
    seed : int
        Seed of its weights.
    """
    torch.manual_seed(seed)
    net = OnsetNet().train()
    seen = np.stack(list(windows))
    with one_thread(), torch.no_grad():
        for batch in np.array_split(seen, -(-len(seen) // BATCH)):
            net(torch.from_numpy(batch))
    return net.eval()
