#!/usr/bin/env bash
# SeisBench's BasicPhaseAE discards one sample at a window's start, not 130.
#
# One would guess: annotate() discards as many predictions at the start of each
#   window of BasicPhaseAE as at its end, 130 of 600, where the window's edge
#   distorts them.
# What happens: annotate_batch_post() sets "[..., -130:]" to NaN at the end, but
#   "[..., 130]", a single sample, at the start. The first 130 predictions of
#   each window are kept and averaged into the annotations; sample 130 alone is
#   lost. Nothing is reported. With the default overlap of 300 samples, more than
#   a third of the annotated samples get another value than with 130 samples
#   discarded at either end.
# Versions: seisbench 0.12.6 with torch 2.13.0.
# Source: seisbench, module "models.aepicker", method "annotate_batch_post"; the
#   index has been without its colon since annotate() was added to the model. The
#   blinding of PhaseNet and EQTransformer is a slice at either end. No public
#   report was found.
# Advice: override the method in a subclass, as below, until it is corrected. The
#   index counts in a model's own annotations only: training is not concerned.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "seisbench==0.12.6" "torch==2.13.0"

cat > "$folder/show.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import torch
from obspy import Stream, Trace

warnings.simplefilter("ignore")
import seisbench.models as sbm

for name in ("seisbench", "torch", "numpy", "obspy"):
    print(name, version(name))


class AsMeant(sbm.BasicPhaseAE):
    """Discards the first and the last 130 samples of each window."""

    def annotate_batch_post(self, batch, piggyback, argdict):
        batch = torch.transpose(batch, -1, -2)
        batch[:, :130] = np.nan
        batch[:, -130:] = np.nan
        return batch


def p_curve(model, samples, **arguments):
    """Return the annotation of P on the samples of the data; NaN where there is none."""
    traces = [
        Trace(row.astype(np.float32), {"channel": f"HH{c}", "station": "A", "sampling_rate": 100.0})
        for row, c in zip(samples, "ZNE")
    ]
    curve = np.full(samples.shape[1], np.nan)
    for trace in model.annotate(Stream(traces), **arguments).select(channel="*_P"):
        first = round((trace.stats.starttime - traces[0].stats.starttime) * 100)
        curve[first : first + len(trace.data)] = np.ma.filled(trace.data, np.nan)
    return curve


torch.manual_seed(0)  # random weights: the slip does not depend on them
model, meant = sbm.BasicPhaseAE(), AsMeant()
meant.load_state_dict(model.state_dict())
samples = np.random.default_rng(0).normal(size=(3, 3000))

one = p_curve(model, samples[:, :600], overlap=0)
one_meant = p_curve(meant, samples[:, :600], overlap=0)
known, known_meant = np.isfinite(one), np.isfinite(one_meant)
print(f"one window, first 130 samples kept:  expected {known_meant[:130].sum():3d}   obtained {known[:130].sum():3d}")
print(f"one window, sample 130 kept:         expected {known_meant[130]}  obtained {known[130]}")
print(f"one window, last 130 samples kept:   expected {known_meant[-130:].sum():3d}   obtained {known[-130:].sum():3d}")

whole, whole_meant = p_curve(model, samples), p_curve(meant, samples)
both = np.isfinite(whole) & np.isfinite(whole_meant)
differ = np.abs(whole[both] - whole_meant[both]) > 1e-6
print(f"30 s, default overlap, samples with another P value: expected 0   obtained {differ.sum()} of {both.sum()}")

as_described = (
    known_meant[:130].sum() == 0
    and known[:130].sum() == 130
    and known_meant[130]
    and not known[130]
    and known[-130:].sum() == 0
    and differ.sum() > 0.3 * both.sum()
)
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
SEISBENCH_CACHE_ROOT="$folder/cache" OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/show.py"
