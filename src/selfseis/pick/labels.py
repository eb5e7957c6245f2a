"""What a network is to answer about an onset: a bump about its sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LABEL_SD = 10.0  # samples: 0.1 s at 100 Hz, as PhaseNet has it


def add_label(label: NDArray[np.float32], onset: float) -> None:
    """Put an onset into a label of one phase, in place; it may lie outside."""
    reach = int(4 * LABEL_SD)
    first, last = max(0, int(onset) - reach), min(len(label), int(onset) + reach + 2)
    if first < last:
        shape = np.exp(-0.5 * ((np.arange(first, last) - onset) / LABEL_SD) ** 2)
        label[first:last] = np.maximum(label[first:last], shape)
