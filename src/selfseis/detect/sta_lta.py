"""Energy ratios of each station: short-term energy over its level just before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import Float32Array


def energy_ratio(energy: NDArray, long_windows: int) -> Float32Array:
    """Return the logarithm of energy over its median just before.

    With a trailing level, the ratio has a sharp peak at onsets. With a centred level it would stay high through the
    coda, and frequent events would coincide at random. An earlier event raises the median less than the mean.

    Parameters
    ----------
    energy : ndarray, shape (n_stations, n_hops)
        Mean energy in short windows; NaN where there are no data.
    long_windows : int
        Hops of the median.

    Returns
    -------
    ndarray, shape (n_stations, n_hops)
    """
    import pandas as pd

    rolling = pd.DataFrame(energy.T).rolling(long_windows, min_periods=max(1, long_windows // 5))
    return _log_ratio(energy, rolling.median().shift(2).to_numpy().T)


def sta_lta(energy: NDArray, long_windows: int) -> Float32Array:
    """Return the logarithm of the short-term over the long-term average, the long one just before the short.

    Parameters
    ----------
    energy : ndarray, shape (n_stations, n_hops)
        Mean energy in short windows; NaN where there are no data.
    long_windows : int
        Hops of the long-term average.

    Returns
    -------
    ndarray, shape (n_stations, n_hops)

    References
    ----------
    Allen, R. V. (1978). Automatic earthquake recognition and timing from single traces. BSSA 68, 1521.
    """
    import pandas as pd

    rolling = pd.DataFrame(energy.T).rolling(long_windows, min_periods=max(1, long_windows // 2))
    return _log_ratio(energy, rolling.mean().shift(2).to_numpy().T)


def _log_ratio(energy: NDArray, level: NDArray) -> Float32Array:
    ratio = np.full(energy.shape, np.nan, np.float32)
    usable = np.isfinite(energy) & np.isfinite(level) & (level > 0)
    ratio[usable] = np.log(np.maximum(energy[usable], 1e-12) / level[usable])
    return ratio
