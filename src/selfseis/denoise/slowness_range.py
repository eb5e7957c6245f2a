"""Range of slownesses of the waves that cross a line."""

from __future__ import annotations

import numpy as np
import torch

from selfseis.denoise.options import SlownessOptions
from selfseis.denoise.training_data import Span
from selfseis.networks.slant_stacks import AHEAD, BEHIND, FRAME, GROUP, SlantStacks
from selfseis.training import one_thread
from selfseis.typing import Float32Array, FloatArray

# Samples per channel: the grid of the search, finer where most waves are.
TRIAL_SLOWNESSES = np.concatenate([np.arange(0, 1, 0.1), np.arange(1, 2, 0.2), np.arange(2, 6.1, 0.5)])


def measured_slownesses(spans: list[Span], blind_zone: int, options: SlownessOptions) -> tuple[float, ...]:
    """Return evenly spaced slownesses that cover the waves in the training data, in both directions.

    A wave is energy that the stacks on both sides of the blind zone have in common at one slowness.

    Parameters
    ----------
    spans : list of Span
        Conditioned data.
    blind_zone : int
        Half-width in channels.
    options : SlownessOptions
        Settings.

    Returns
    -------
    tuple of float
        Samples per channel.
    """
    powers = (_shared_power(span, blind_zone, options) for span in spans)
    shared = sum(powers, np.zeros(len(TRIAL_SLOWNESSES)))
    coherent = np.maximum(shared - np.median(shared), 0) * np.gradient(TRIAL_SLOWNESSES)
    if coherent.sum() == 0:
        coherent = np.ones(len(TRIAL_SLOWNESSES)) * (TRIAL_SLOWNESSES <= 1)
    covering = np.searchsorted(np.cumsum(coherent) / coherent.sum(), options.min_share)
    widest = max(options.min_slowness, float(TRIAL_SLOWNESSES[covering]))
    return tuple(float(s) for s in np.linspace(-widest, widest, options.n_slownesses))


@one_thread()
@torch.no_grad()
def _shared_power(span: Span, blind_zone: int, options: SlownessOptions) -> FloatArray:
    n_channels = min(span.data.shape[0], options.max_channels) // GROUP * GROUP
    data = np.where(span.train, span.data, 0)[:n_channels]
    interval = _strongest_interval(data, options.max_samples)
    aperture = (options.aperture,)
    both = [SlantStacks(blind_zone, (slowness, -slowness), aperture) for slowness in TRIAL_SLOWNESSES]
    return np.array([_power_along(stacks, data[:, interval]) for stacks in both])


def _strongest_interval(data: Float32Array, max_samples: int) -> slice:
    energy = np.concatenate([[0], np.cumsum((data**2).mean(axis=0, dtype=np.float64))])
    length = min(max_samples, data.shape[1]) // FRAME * FRAME
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
