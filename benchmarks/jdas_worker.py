"""Train and apply jDAS in its own environment: FOLDER, as `benchmarks.denoise_jobs` fills it.

Its own loader, augmentation, loss, optimiser and ``denoise``. Two things are done for packages of today: Keras is the
old one (tf-keras), and SciPy gets back its ``tukey``.

References
----------
van den Ende, M., Lior, I., Ampuero, J.-P., Sladen, A., Ferrari, A., Richard, C. (2021). A self-supervised deep learning
approach for blind denoising and waveform coherence enhancement in distributed acoustic sensing data. IEEE
Transactions on Neural Networks and Learning Systems. doi:10.1109/TNNLS.2021.3132832
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import numpy as np
import scipy.signal
import tensorflow as tf
import tf_keras

N_CHANNELS = 11  # that its network takes


def main(folder: Path) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    sys.modules["keras"] = tf_keras
    scipy.signal.tukey = scipy.signal.windows.tukey
    sys.path.insert(0, os.environ["SELFSEIS_JDAS"])
    from jDAS import JDAS

    job = json.loads((folder / "job.json").read_text())
    options = job["options"]
    tf_keras.utils.set_random_seed(job["seed"])
    jdas = JDAS()
    jdas.model = model_of(jdas.load_model(), options)
    train = scaled(np.load(folder / "train.npy"), options["per_channel"])[0]
    made, spent = {}, 0.0
    for seconds in options["cpu_seconds"]:
        spent += trained(jdas, train, seconds - spent)
        for name in job["apply"]:
            noisy, scale = scaled(np.load(folder / f"{name}.npy"), options["per_channel"])
            began = time.process_time()
            clean = np.stack([jdas.denoise(record, verbose=False) for record in noisy])
            made[f"{seconds:g}:{name}"] = {"cpu_s": time.process_time() - began, "values": noisy.size}
            np.save(folder / f"{seconds:g}:{name}.out.npy", (clean * scale).astype(np.float32))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    result = {"fit_cpu_s": spent, "applied": made, "peak_gb": peak}
    (folder / "result.json").write_text(json.dumps(result))


def model_of(pretrained: tf_keras.Model, options: dict) -> tf_keras.Model:
    """Return the published network as it is, or with fresh weights, or with another learning rate."""
    rate = options["learning_rate"]
    if options["start"] == "scratch":
        fresh = tf_keras.models.clone_model(pretrained)
        # 5e-4 is what jDAS trains with from scratch.
        fresh.compile(optimizer=tf_keras.optimizers.legacy.Adam(rate or 5e-4), loss="mean_squared_error")
        return fresh
    if rate is not None:
        tf_keras.backend.set_value(pretrained.optimizer.learning_rate, rate)
    return pretrained


def scaled(noisy: np.ndarray, per_channel: bool) -> tuple[np.ndarray, np.ndarray]:
    """Divide records, or their channels, by their standard deviation, as jDAS asks; return what to multiply by."""
    scale = noisy.std(axis=-1 if per_channel else (1, 2), keepdims=True)
    return noisy / scale, scale


def loading(n_records: int, n_channels: int) -> tuple[int, float]:
    """Return size and number of batches as it has them, or as many as its loader can draw from few channels."""
    multiplier = min(10.0, (n_channels - N_CHANNELS) * N_CHANNELS / n_channels)
    size = 16
    while size > 1 and multiplier * n_records * n_channels < size * N_CHANNELS:
        size //= 2
    return size, multiplier


def trained(jdas, train: np.ndarray, seconds: float) -> float:
    """Train for some seconds of CPU time, its loader's included, and return how many it were."""
    began = time.process_time()
    if seconds <= 0:
        return 0.0
    loader = jdas.init_dataloader(train, *loading(*train.shape[:2]))

    class StopInTime(tf_keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            self.model.stop_training = time.process_time() - began >= seconds

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            self.model.stop_training = time.process_time() - began >= seconds

    jdas.model.fit(loader, epochs=100_000, verbose=0, callbacks=[StopInTime()])
    return time.process_time() - began


if __name__ == "__main__":
    main(Path(sys.argv[1]))
