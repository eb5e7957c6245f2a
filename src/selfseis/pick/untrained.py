"""The network as it begins, a baseline: random weights, but the statistics of what it sees."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from selfseis.learn import one_thread
from selfseis.nets.onset_net import OnsetNet

BATCH = 12


def untrained_net(windows: Iterable[NDArray[np.float32]], seed: int) -> OnsetNet:
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
