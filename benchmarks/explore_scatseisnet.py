"""Run scatseisnet on a record, in its own environment: IN.npy RATE LENGTH K OUT.npz [BANK]; for explore_planted.

It does what scatseisnet's tutorials do: 24 + 144 coefficients (28 + 280 in the comparison of speed), their logarithms,
independent components, k-means; Ward's method beside it.
"""

from __future__ import annotations

import sys
import time

import numpy as np

N_COMPONENTS = 10
BANKS = {
    "tutorial": (
        {"octaves": 6, "resolution": 4, "quality": 2},
        {"octaves": 6, "resolution": 1, "quality": 2},
    ),
    "speed": ({"octaves": 7, "resolution": 4, "quality": 2}, {"octaves": 5, "resolution": 2, "quality": 2}),
}


def main() -> None:
    from scatseisnet import ScatteringNetwork
    from sklearn.cluster import AgglomerativeClustering, KMeans
    from sklearn.decomposition import FastICA

    path, rate, length, n_groups, out, bank = *sys.argv[1:6], sys.argv[6] if len(sys.argv) > 6 else "tutorial"
    data = np.load(path).astype(np.float64)
    n_samples = int(length)
    windows = data[: len(data) // n_samples * n_samples].reshape(-1, 1, n_samples)
    network = ScatteringNetwork(*BANKS[bank], bins=n_samples, sampling_rate=float(rate))
    began = time.perf_counter()
    orders = network.transform(windows.copy(), reduce_type=np.median)
    seconds = time.perf_counter() - began
    if int(n_groups) == 0:
        np.savez(out, seconds=seconds)
        return
    coefficients = np.hstack([order.reshape(len(windows), -1) for order in orders])
    coefficients = np.log10(np.maximum(coefficients, 1e-12))
    coefficients = (coefficients - coefficients.min()) / np.ptp(coefficients)
    components = FastICA(N_COMPONENTS, whiten="unit-variance", random_state=42, max_iter=500).fit_transform(
        coefficients
    )
    means = KMeans(int(n_groups), n_init=5, random_state=0).fit(components)
    ward = AgglomerativeClustering(int(n_groups)).fit_predict(components)
    novelty = means.transform(components).min(axis=1)
    np.savez(out, kmeans=means.labels_, ward=ward, novelty=novelty, seconds=seconds)


if __name__ == "__main__":
    main()
