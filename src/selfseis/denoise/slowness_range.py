"""Range of slownesses of the waves that cross a line."""

from __future__ import annotations

import numpy as np
import torch

from selfseis.denoise.training_data import Span
from selfseis.networks.slant_stacks import AHEAD, BEHIND, FRAME, GROUP, SlantStacks
from selfseis.training import one_thread
from selfseis.typing import Float32Array, FloatArray

N_SLOWNESSES = 11
TRIAL_SLOWNESSES = np.concatenate(
    [np.arange(0, 1, 0.1), np.arange(1, 2, 0.2), np.arange(2, 6.1, 0.5)]
)  # samples per channel
MIN_SLOWNESS = 0.25
SHARE = 0.9  # of the coherent energy that the range must cover
APERTURE = 8
MAX_SAMPLES = 4096  # samples of a span that are used


def measured_slownesses(spans: list[Span], blind_zone: int) -> tuple[float, ...]:
    """Return evenly spaced slownesses that cover the waves in the training data, in both directions.

    A wave is energy that the stacks on both sides of the blind zone have in common at one slowness.

    Parameters
    ----------
    spans : list of Span
        Conditioned data.
    blind_zone : int
        Half-width in channels.

    Returns
    -------
    tuple of float
        Samples per channel.
    """
    shared = sum((_shared_power(span, blind_zone) for span in spans), np.zeros(len(TRIAL_SLOWNESSES)))
    coherent = np.maximum(shared - np.median(shared), 0) * np.gradient(TRIAL_SLOWNESSES)
    if coherent.sum() == 0:
        coherent = np.ones(len(TRIAL_SLOWNESSES)) * (TRIAL_SLOWNESSES <= 1)
    widest = max(
        MIN_SLOWNESS, float(TRIAL_SLOWNESSES[np.searchsorted(np.cumsum(coherent) / coherent.sum(), SHARE)])
    )
    return tuple(float(s) for s in np.linspace(-widest, widest, N_SLOWNESSES))


@one_thread()
@torch.no_grad()
def _shared_power(span: Span, blind_zone: int) -> FloatArray:
    n_channels = min(span.data.shape[0] // GROUP * GROUP, 256)
    data = np.where(span.train, span.data, 0)[:n_channels]
    interval = _strongest_interval(data)
    both = [SlantStacks(blind_zone, (slowness, -slowness), (APERTURE,)) for slowness in TRIAL_SLOWNESSES]
    return np.array([_power_along(stacks, data[:, interval]) for stacks in both])


def _strongest_interval(data: Float32Array) -> slice:
    energy = np.concatenate([[0], np.cumsum((data**2).mean(axis=0, dtype=np.float64))])
    length = min(MAX_SAMPLES, data.shape[1] // FRAME * FRAME)
    first = int(np.argmax(energy[length:] - energy[:-length]))
    return slice(first, first + length)


def _power_along(stacks: SlantStacks, data: Float32Array) -> float:
    channels, samples = stacks.channel_context, stacks.sample_context
    padded = torch.nn.functional.pad(
        torch.from_numpy(np.ascontiguousarray(data)), (samples, samples, channels, channels)
    )
    return max(
        float((stacks.seen_from(s, BEHIND, *data.shape) * stacks.seen_from(s, AHEAD, *data.shape)).sum())
        for s in stacks(padded)
    )
