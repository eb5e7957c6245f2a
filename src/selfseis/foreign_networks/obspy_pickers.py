"""ObsPy's own pickers with scores of P and S, as networks: calibrated and judged like any other.

Both functions see the filtered components of a window. The score of a ratio r is r / (r + trigger): one half at the
usual trigger. ``recursive_sta_lta`` has an onset where ``trigger_onset`` begins, scored by its largest ratio.
``ar_pick`` (Akazawa, 2004) has one P and one S per window, scored by the ratio of the energies after and before them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from selfseis.errors import InputError
from selfseis.foreign_networks.options import ObsPyOptions
from selfseis.foreign_networks.picker_network import MAX_SAMPLES, PickerNetwork, logits_of
from selfseis.io.obspy_import import obspy
from selfseis.typing import Float32Array, FloatArray

PEAK_SD = 5.0  # samples of the peak at an onset; only its top is used
MIN_ENERGY = 1e-30  # of silence, so that it has a ratio
Scores = Callable[[Float32Array], FloatArray]


def obspy_network(name: str, rate: float, settings: Mapping[str, str] | None = None) -> ObsPyNetwork:
    """Return one of ObsPy's pickers as a network.

    Parameters
    ----------
    name : str
        ``recursive_sta_lta`` or ``ar_pick``.
    rate : float
        Sampling rate in Hz of the recordings.
    settings : mapping of str to str, optional
        Values of `ObsPyOptions`.

    Raises
    ------
    InputError
        If the picker or an option does not exist, or a value makes no sense at this rate.

    Examples
    --------
    >>> from selfseis.foreign_networks.obspy_pickers import obspy_network
    >>> obspy_network("recursive_sta_lta", 100.0, {"window_s": "30"}).n_samples
    3000
    """
    pickers = {"recursive_sta_lta": _sta_lta_scores, "ar_pick": _ar_scores}
    if name not in pickers:
        raise InputError(f"obspy:{name} is not a picker: known are obspy:{', obspy:'.join(pickers)}")
    options = _options_of(settings or {}, f"obspy:{name}", rate)
    obspy()
    n_samples = 2 * round(options.window_s * rate / 2)
    return ObsPyNetwork(f"obspy:{name}", partial(pickers[name], rate=rate, options=options), n_samples)


class ObsPyNetwork(PickerNetwork):
    """A function that scores the samples of a window, as a network.

    Parameters
    ----------
    name : str
        Name for pages and messages.
    scores : callable
        Returns scores of P and S between 0 and 1, shape (2, n_samples), of east, north and vertical, shape
        (3, n_samples).
    n_samples : int
        Length of a window, even.
    """

    def __init__(self, name: str, scores: Scores, n_samples: int) -> None:
        super().__init__()
        self.name, self.rate, self.n_samples, self.scores = name, None, n_samples, scores

    def forward(self, windows: Tensor) -> Tensor:
        """Return logits of P and S, shape (n_windows, 2, n_samples); see `PickerNetwork`."""
        scores = np.stack([self.scores(window) for window in windows.detach().numpy()])
        return logits_of(torch.from_numpy(scores.astype(np.float32)))


def _options_of(settings: Mapping[str, str], name: str, rate: float) -> ObsPyOptions:
    kinds = {row.name: type(row.default) for row in ObsPyOptions.rows()}
    if unknown := sorted(settings.keys() - kinds.keys()):
        raise InputError(f"{name} has no setting {', '.join(unknown)}: known are {', '.join(kinds)}")
    try:
        options = ObsPyOptions().with_options(**{key: kinds[key](text) for key, text in settings.items()})
    except ValueError as error:
        raise InputError(f"a setting of {name} is not a number: {error}") from error
    if bad := [key for key in kinds if getattr(options, key) <= 0]:
        raise InputError(f"{bad[0]} of {name} must be above 0, got {getattr(options, bad[0]):g}")
    longest = max(options.lta_s + options.sta_s, options.lta_p, options.lta_s_phase)
    if not 2 * longest * rate <= options.window_s * rate <= MAX_SAMPLES or options.sta_s * rate < 2:
        raise InputError(
            f"window_s of {name} must hold its averages twice and at most {MAX_SAMPLES} samples, sta_s two samples, "
            f"got window_s={options.window_s:g}, sta_s={options.sta_s:g} and lta_s={options.lta_s:g} at {rate:g} Hz"
        )
    return options


def _sta_lta_scores(components: Float32Array, *, rate: float, options: ObsPyOptions) -> FloatArray:
    """Return the triggers on the vertical as P and on the horizontals as S."""
    return np.stack([_sta_lta(signal, rate, options) for signal in _signals(components)])


def _sta_lta(signal: FloatArray, rate: float, options: ObsPyOptions) -> FloatArray:
    """Return a peak at each trigger on a signal, as high as the score of its largest ratio; shape (n_samples,)."""
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset

    short, long = round(options.sta_s * rate), round(options.lta_s * rate)
    scores = np.zeros(len(signal))
    # The mirrored beginning of the window comes first, so that the averages are those of its noise.
    started = np.ascontiguousarray(np.concatenate([signal[1 : long + 1][::-1], signal]), np.float64)
    if not started.any():
        return scores
    ratio = np.nan_to_num(recursive_sta_lta(started, short, long)[long:], nan=0.0, posinf=0.0)
    for on, off in trigger_onset(ratio, options.trigger_on, options.trigger_off):
        if on > 0:  # not one that began before the window
            highest = ratio[on : off + 1].max()
            _add_peak(scores, float(on), float(highest / (highest + options.trigger)))
    return scores


def _add_peak(scores: FloatArray, onset: float, height: float) -> None:
    """Raise scores to a peak at an onset, in place."""
    near = slice(max(0, int(onset - 4 * PEAK_SD)), int(onset + 4 * PEAK_SD) + 1)
    at = np.arange(len(scores))[near]
    scores[near] = np.maximum(scores[near], height * np.exp(-(((at - onset) / PEAK_SD) ** 2) / 2))


def _ar_scores(components: Float32Array, *, rate: float, options: ObsPyOptions) -> FloatArray:
    """Return peaks at the P and the S of ar_pick."""
    from obspy.signal.trigger import ar_pick

    vertical, horizontal = _signals(components)
    scores = np.zeros((2, components.shape[1]))
    if not vertical.any() or not horizontal.any():
        return scores
    east, north, up = (
        np.ascontiguousarray(signal if signal.any() else vertical, np.float32) for signal in components
    )
    o, high = options, min(options.f2, 0.45 * rate)
    times = ar_pick(
        up, north, east, rate, min(o.f1, high / 2), high, o.lta_p, o.sta_p, o.lta_s_phase, o.sta_s_phase, o.m_p, o.m_s,
        o.l_p, o.l_s,
    )  # fmt: skip
    for row, signal, time in zip(scores, (vertical, horizontal), times, strict=True):
        onset = time * rate
        if 0 < onset < components.shape[1] - 1:  # ar_pick returns zero or less where it finds none
            _add_peak(row, onset, _energy_score(signal, round(onset), rate, options))
    return scores


def _energy_score(signal: FloatArray, onset: int, rate: float, options: ObsPyOptions) -> float:
    """Return the score of an onset: the ratio of the mean energies after and before it."""
    before = signal[max(0, onset - round(options.lta_s * rate)) : onset]
    after = signal[onset : onset + max(2, round(options.sta_s * rate))]
    ratio = (np.mean(after**2) + MIN_ENERGY) / (np.mean(before**2) + MIN_ENERGY)
    return float(ratio / (ratio + options.trigger))


def _signals(components: Float32Array) -> tuple[FloatArray, FloatArray]:
    """Return the vertical, and the amplitude of the horizontals; one stands for the other where that is missing."""
    east, north, up = np.asarray(components, np.float64)
    horizontal = np.hypot(east, north)
    vertical = up if up.any() else horizontal
    return vertical, horizontal if horizontal.any() else vertical
