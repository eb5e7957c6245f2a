"""The interface of a picker network, and networks of one sampling rate on recordings of another.

A `PickerNetwork` is all that calibration, inference, verdict and report need to know of a network. Networks of
SeisBench, of ONNX files and ObsPy's pickers implement it; `picker_registry` finds them by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from selfseis.catalogue.records import PHASES
from selfseis.errors import InputError

SAME_RATE = 1e-3  # relative difference of two rates that are the same one
MAX_FACTOR = 256  # of the numerator and denominator of a ratio of rates
N_ZEROS = 12  # zero crossings of the interpolating sinc on either side
ROLL_OFF = 0.945  # corner of the anti-alias filter as a share of the lower Nyquist frequency
MAX_SAMPLES = 1_000_000  # of a window; a false description of a network must not fill the memory
ROWS = {"E": 0, "2": 0, "N": 1, "1": 1, "Z": 2, "H": 3}  # of a window; H, a hydrophone, is a row of zeros
MIN_PROBABILITY = 1e-7  # probabilities nearer to 0 or 1 are rounding errors of float32


class PickerNetwork(nn.Module):
    """Network that maps windows of three components to logits of P and S.

    Attributes
    ----------
    name : str
        Name for pages and messages.
    rate : float or None
        Sampling rate in Hz of the data that it was trained on; None if any rate suits.
    n_samples : int
        Length of a window, even.
    note : str
        One sentence on how the samples reach the network, for pages.
    """

    name: str
    rate: float | None
    n_samples: int
    note: str = "It was given the samples at the rate of the recording."

    def forward(self, windows: Tensor) -> Tensor:
        """Return logits of P and S.

        Parameters
        ----------
        windows : Tensor, shape (n_windows, 3, n_samples)
            East, north and vertical, filtered; a missing component is zero.

        Returns
        -------
        Tensor, shape (n_windows, 2, n_samples)
        """
        raise NotImplementedError

    def for_rate(self, rate: float, *, as_if: bool = False) -> PickerNetwork:
        """Return the network for recordings of a sampling rate.

        Parameters
        ----------
        rate : float
            Sampling rate in Hz of the recordings.
        as_if : bool
            Whether samples are passed on unresampled, as if they were at the rate of the network.

        Returns
        -------
        PickerNetwork
            This network if it takes the rate or ``as_if`` is true; otherwise one that resamples its windows.

        Raises
        ------
        InputError
            If the rates differ by more than a factor of 256, or their ratio needs larger integers.
        """
        if self.rate is None or np.isclose(rate, self.rate, rtol=SAME_RATE):
            return self
        if as_if:
            self.note = (
                f"It was given the samples at {rate:g} Hz as if they were at {self.rate:g} Hz, the rate of its "
                "training data."
            )
            return self
        return ResampledNetwork(self, rate)


class ResampledNetwork(PickerNetwork):
    """Picker network of one sampling rate on windows of another.

    Windows are resampled with an anti-alias filter, and the logits are interpolated back. Every window is resampled
    by itself, so that results do not depend on tiles.

    Parameters
    ----------
    net : PickerNetwork
        The network, with a rate.
    rate : float
        Sampling rate in Hz of the windows.

    Raises
    ------
    InputError
        If the ratio of the rates is not one of integers up to 256, or a window would have fewer than 32 samples.
    """

    def __init__(self, net: PickerNetwork, rate: float) -> None:
        super().__init__()
        assert net.rate is not None
        self.net = net
        self.name, self.rate = net.name, rate
        self.ratio = _ratio(net.rate, rate)
        length = int((net.n_samples - 1) / self.ratio) + 1
        self.n_samples = min(length - length % 2, MAX_SAMPLES)
        if self.n_samples < 32:
            raise InputError(
                f"a window of {net.name} has only {self.n_samples} samples at {rate:g} Hz: choose another network"
            )
        self.note = f"The samples were resampled from {rate:g} Hz to {net.rate:g} Hz, its rate."
        self.kernel: Tensor
        self.register_buffer("kernel", _kernel(self.ratio), persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        """Return logits of P and S, shape (n_windows, 2, n_samples); see `PickerNetwork`."""
        logits = self.net(resampled(windows, self.ratio, self.net.n_samples, self.kernel))
        before, share = self._back
        return torch.lerp(logits[..., before], logits[..., before + 1], share)

    @cached_property
    def _back(self) -> tuple[Tensor, Tensor]:
        """Return for each sample of a window the sample of the network before it, and the share of the one after."""
        at = np.arange(self.n_samples) * float(self.ratio)
        before = np.minimum(at.astype(int), self.net.n_samples - 2)
        return torch.from_numpy(before), torch.from_numpy((at - before).astype(np.float32))


def resampled(windows: Tensor, ratio: Fraction, n_samples: int, kernel: Tensor | None = None) -> Tensor:
    """Resample windows with an anti-alias filter; the first sample keeps its time.

    Parameters
    ----------
    windows : Tensor, shape (..., n_old)
        Samples; beyond the ends they are mirrored.
    ratio : Fraction
        New sampling rate divided by the old one.
    n_samples : int
        Number of new samples.
    kernel : Tensor, optional
        Filters of the ratio, if they are already known.

    Returns
    -------
    Tensor, shape (..., n_samples)

    Examples
    --------
    >>> from fractions import Fraction
    >>> import torch
    >>> from selfseis.foreign_networks.picker_network import resampled
    >>> wave = torch.sin(torch.arange(400) / 10)
    >>> twice = resampled(wave, Fraction(2), 800)
    >>> bool((twice[200:600:2] - wave[100:300]).abs().max() < 1e-3)
    True
    """
    kernel = _kernel(ratio) if kernel is None else kernel
    up, _, length = kernel.shape
    before = (length - ratio.denominator) // 2
    n_steps = -(-n_samples // up)
    after = max(0, (n_steps - 1) * ratio.denominator + length - before - windows.shape[-1])
    flat = _mirrored(windows.reshape(-1, 1, windows.shape[-1]), before, after)
    phases = nn.functional.conv1d(flat, kernel, stride=ratio.denominator)[..., :n_steps]
    return phases.transpose(1, 2).reshape(*windows.shape[:-1], -1)[..., :n_samples]


def _mirrored(windows: Tensor, before: int, after: int) -> Tensor:
    """Mirror windows at their ends, repeatedly if they are short."""
    while before > 0 or after > 0:
        most = windows.shape[-1] - 1
        now = min(before, most), min(after, most)
        windows = nn.functional.pad(windows, now, mode="reflect")
        before, after = before - now[0], after - now[1]
    return windows


def _ratio(new: float, old: float) -> Fraction:
    ratio = Fraction(new / old).limit_denominator(MAX_FACTOR)
    if ratio.numerator > MAX_FACTOR or not np.isclose(float(ratio), new / old, rtol=SAME_RATE):
        raise InputError(
            f"the network needs {new:g} Hz, to which {old:g} Hz cannot be resampled: resample the recording first"
        )
    return ratio


def _kernel(ratio: Fraction) -> Tensor:
    """Return a filter for each new sample of a step, shape (up, 1, length): sinc times a Hann window."""
    up, down = ratio.numerator, ratio.denominator
    cutoff = ROLL_OFF * min(1.0, float(ratio))
    half = int(np.ceil(N_ZEROS / cutoff))
    at = np.arange(-half, half + down) - np.arange(up)[:, None] * down / up
    inside = np.abs(at) < half
    taper = np.where(inside, np.cos(np.pi * at / (2 * half)) ** 2, 0.0)
    filters = cutoff * np.sinc(cutoff * at) * taper
    return torch.from_numpy((filters / filters.sum(axis=1, keepdims=True)).astype(np.float32))[:, None]


def logits_of(probability: Tensor) -> Tensor:
    """Return the logits of probabilities; those that are not numbers count as zero."""
    return torch.logit(torch.nan_to_num(probability, nan=0.0), eps=MIN_PROBABILITY)


def lengthened(logits: Tensor, n_samples: int) -> Tensor:
    """Repeat the last logits up to a number of samples, for networks with windows of odd length."""
    beyond = n_samples - logits.shape[-1]
    return torch.cat([logits, logits[..., -1:].expand(*logits.shape[:-1], beyond)], -1) if beyond else logits


def rows_of(name: str, order: Sequence[str]) -> list[int]:
    """Return the row of a window for each component that a network takes.

    Parameters
    ----------
    name : str
        Name of the network.
    order : sequence of str
        Letters of the components, such as ``"ZNE"``.

    Raises
    ------
    InputError
        If a component is unknown, or there is none.
    """
    letters = list(order)
    if not letters or not set(letters) <= ROWS.keys():
        raise InputError(
            f"{name} needs the components {''.join(letters) or 'of single channels'}; known are Z, N, E, 1, 2 and H"
        )
    return [ROWS[component] for component in letters]


def components_of(windows: Tensor, rows: list[int]) -> Tensor:
    """Return the components of `rows_of` of windows of east, north and vertical; a hydrophone is zero."""
    return nn.functional.pad(windows, (0, 0, 0, 1))[:, rows]


def columns_of(name: str, labels: object) -> list[int]:
    """Return the outputs of P and S among the labels of a network.

    Raises
    ------
    InputError
        If there is not exactly one P and one S.
    """
    known = [str(label).upper() for label in labels] if isinstance(labels, str | list | tuple) else []
    if not all(known.count(phase) == 1 for phase in PHASES):
        shown = ", ".join(map(str, labels)) if isinstance(labels, str | list | tuple) else "without labels"
        raise InputError(f"{name} must have one output P and one output S, got the outputs {shown}")
    return [known.index(phase) for phase in PHASES]
