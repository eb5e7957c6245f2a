"""Learn and apply a selfseis denoiser in a process of its own: FOLDER, as `benchmarks.denoise_jobs` fills it."""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from benchmarks.denoise_kept import BLIND
from selfseis.denoise import Denoiser
from selfseis.recording import recording_from_array
from selfseis.validation import Verdict

OUTSIDE = 0.5  # of the lower corner of the data, at which the denoiser's own band-pass may begin to cut


def main(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text())
    began = time.process_time()
    denoiser = Denoiser(**job["options"], band=_around(job["band"], job["rate"]), seed=job["seed"])
    denoiser.fit(_recording(np.load(folder / "train.npy"), job))
    fit_cpu = time.process_time() - began
    made: dict[str, Any] = {}
    for name in job["apply"]:
        noisy = np.load(folder / f"{name}.npy")
        recording = _recording(noisy, job)
        made[name] = _denoised(denoiser, recording, noisy.shape, folder / f"{name}.out.npy")
        if name != job["apply"][0]:
            made[name]["verdict"] = _told(denoiser.evaluate(recording))
    if denoiser.wiener_ is not None:
        # the same model without the channels' own observations
        denoiser.model_ = replace(denoiser.model_, wiener=None)
        for name in job["apply"]:
            noisy = np.load(folder / f"{name}.npy")
            of_others = f"{BLIND}{name}"
            made[of_others] = _denoised(
                denoiser, _recording(noisy, job), noisy.shape, folder / f"{of_others}.out.npy"
            )
    result = {
        "fit_cpu_s": fit_cpu,
        "applied": made,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "verdict": _told(denoiser.verdict_),
        "blind_zone": denoiser.blind_zone_,
    }
    (folder / "result.json").write_text(json.dumps(result))


def _denoised(
    denoiser: Denoiser, recording: xr.DataArray, shape: tuple[int, ...], path: Path
) -> dict[str, Any]:
    """Write what a denoiser makes of records and return what it took."""
    n_records, n_channels, n_samples = shape
    began = time.process_time()
    clean = denoiser.transform(recording).values
    spent = time.process_time() - began
    records = clean.reshape(n_channels, n_records, n_samples).transpose(1, 0, 2)
    np.save(path, np.nan_to_num(records).astype(np.float32))
    return {"cpu_s": spent, "values": clean.size}


def _around(band: list[float], rate: float) -> tuple[float, float]:
    """Return a band that leaves the data as they are: their own filter has been applied to the truth as well."""
    return OUTSIDE * band[0], min(2 * band[1], 0.45 * rate)


def _recording(noisy: np.ndarray, job: dict[str, Any]) -> xr.DataArray:
    """Join the records, which follow each other, to a recording without gaps, as a user has it."""
    return recording_from_array(
        np.concatenate(list(noisy), axis=1),
        job["rate"],
        "2020-01-01T00:00:00",
        distance=job["spacing"] * np.arange(noisy.shape[1]),
        gauge_length=job["gauge"],
        units="strain/s",
    )


def _told(verdict: Verdict) -> dict[str, Any]:
    def value(measured: Any) -> float | None:
        return None if measured is None else round(float(measured.value), 4)

    return {
        "word": verdict.outcome,
        "skill": value(verdict.skill),
        "baseline": value(verdict.baseline),
        "reason": verdict.reason,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
