"""How slow the waves are that cross the line: the range of moveouts worth looking along."""

from __future__ import annotations

import numpy as np
import torch

from selfseis.denoise.training_data import Span
from selfseis.networks.slant_stacks import AHEAD, BEHIND, FRAME, GROUP, SlantStacks
from selfseis.training import one_thread
from selfseis.typing import Float32Array, FloatArray

N_SLOWNESSES = 11
TRIED = np.concatenate(
    [np.arange(0, 1, 0.1), np.arange(1, 2, 0.2), np.arange(2, 6.1, 0.5)]
)  # samples a channel
LEAST = 0.25
SHARE = 0.9
APERTURE = 8
LONGEST = 4096  # samples of a span that are looked at


def measured_slownesses(spans: list[Span], blind_zone: int) -> tuple[float, ...]:
    """Return evenly spaced slownesses that cover the waves in the visible data, both ways along the line.

    A wave shows as energy that the stacks on both sides of the blind zone share along one slowness.

    Parameters
    ----------
    spans : list of Span
        Conditioned data.
    blind_zone : int
        Half-width in channels.

    Returns
    -------
    tuple of float
        Samples a channel.
    """
    shared = sum((_shared_power(span, blind_zone) for span in spans), np.zeros(len(TRIED)))
    coherent = np.maximum(shared - np.median(shared), 0) * np.gradient(TRIED)
    if coherent.sum() == 0:
        coherent = np.ones(len(TRIED)) * (TRIED <= 1)
    widest = max(LEAST, float(TRIED[np.searchsorted(np.cumsum(coherent) / coherent.sum(), SHARE)]))
    return tuple(float(s) for s in np.linspace(-widest, widest, N_SLOWNESSES))


@one_thread()
@torch.no_grad()
def _shared_power(span: Span, blind_zone: int) -> FloatArray:
    n_channels = min(span.data.shape[0] // GROUP * GROUP, 256)
    data = np.where(span.train, span.data, 0)[:n_channels]
    loudest = _loudest(data)
    both = [SlantStacks(blind_zone, (slowness, -slowness), (APERTURE,)) for slowness in TRIED]
    return np.array([_power_along(stacks, data[:, loudest]) for stacks in both])


def _loudest(data: Float32Array) -> slice:
    energy = np.concatenate([[0], np.cumsum((data**2).mean(axis=0, dtype=np.float64))])
    length = min(LONGEST, data.shape[1] // FRAME * FRAME)
    first = int(np.argmax(energy[length:] - energy[:-length]))
    return slice(first, first + length)


def _power_along(stacks: SlantStacks, data: Float32Array) -> float:
    beside, before = stacks.channels_beside, stacks.samples_beside
    padded = torch.nn.functional.pad(
        torch.from_numpy(np.ascontiguousarray(data)), (before, before, beside, beside)
    )
    return max(
        float((stacks.seen_from(s, BEHIND, *data.shape) * stacks.seen_from(s, AHEAD, *data.shape)).sum())
        for s in stacks(padded)
    )
