#!/usr/bin/env bash
# DASPy's downsampling moves signals in time and in distance.
#
# One would guess: Section.downsampling() keeps each signal at its time and place,
#   as the decimation of DASCore or of SciPy does by default.
# What happens, with the default settings and without a warning:
#   * the anti-alias filter is causal (one pass) and its delay stays in the data:
#     from 1000 Hz, signals are 28 ms late after a factor of 10, 56 ms after 20.
#     The delay grows with the factor, so channels of different factors disagree.
#   * channels are averaged in groups of N, but the start distance stays that of
#     the first channel of the group: everything moves (N - 1) / 2 channels
#     towards the start of the fibre (4.5 m for ten channels of 1 m).
#   * the gauge length grows by the new channel interval times N - 1, not by the
#     old one: 10 m become 100 m instead of 19 m. stacking() does the same.
# Versions: daspy-toolbox 1.2.7.
# Source: daspy, module "basic_tools.preprocessing", function "downsampling", and
#   "basic_tools.filter", function "lowpass_cheby_2" (the second-order sections run
#   once, forwards); "core.section", methods "downsampling" and "stacking", where
#   the interval is multiplied before the gauge length uses it and the start
#   distance is not touched. No public report was found.
# Advice: filter without delay yourself and pass lowpass_filter=False; add
#   (N - 1) / 2 times the old channel interval to start_distance; set gauge_length
#   to the old one plus (N - 1) times the old interval. Pick times of downsampled
#   files made with the defaults need the delay of their own factor taken off.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "daspy-toolbox==1.2.7"

cat > "$folder/show.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
from scipy.signal import cheby2, sosfiltfilt

warnings.simplefilter("ignore")
from daspy import Section

for name in ("daspy-toolbox", "numpy", "scipy"):
    print(name, version(name))

rate, interval, gauge = 1000.0, 1.0, 10.0
time = np.arange(8000) / rate
distance = np.arange(400) * interval
# One smooth pulse at 4 s and 200 m, far below every Nyquist frequency used here.
pulse = (np.exp(-0.5 * ((time - 4.0) / 0.05) ** 2)[None, :]
         * np.exp(-0.5 * ((distance - 200.0) / 15.0) ** 2)[:, None])


def section(data):
    return Section(data.copy(), interval, rate, start_distance=0.0, start_time=0.0,
                   gauge_length=gauge)


def centre(part):
    """Time and distance of the centre of the pulse, by the section's own axes."""
    energy = part.data**2
    t = part.start_time + np.arange(part.nsp) / part.fs
    x = part.start_distance + np.arange(part.nch) * part.dx
    return (energy.sum(0) * t).sum() / energy.sum(), (energy.sum(1) * x).sum() / energy.sum()


print("factors (time, channels)   pulse late by   pulse moved by   gauge length (right one)")
moved = {}
for factor, group in ((1, 1), (5, 10), (10, 10), (20, 10)):
    part = section(pulse)
    part.downsampling(xint=group, tint=factor)
    t, x = centre(part)
    moved[factor] = (t - 4.0, x - 200.0, part.gauge_length)
    print(f"{factor:8d} {group:10d} {1000 * moved[factor][0]:19.1f} ms {moved[factor][1]:14.2f} m"
          f" {part.gauge_length:12.0f} m ({gauge + (group - 1) * interval:.0f} m)")

# The advice: the same factor of 10, with a zero-phase filter and corrected axes.
sos = cheby2(8, 80, 0.08, output="sos")
part = section(sosfiltfilt(sos, pulse, axis=1))
part.downsampling(xint=10, tint=10, lowpass_filter=False)
part.start_distance += (10 - 1) / 2 * interval
t, x = centre(part)
print(f"as advised, factor 10: late by {1000 * (t - 4.0):.1f} ms, moved by {x - 200.0:.2f} m")

as_described = (
    abs(moved[1][0]) < 1e-6 and abs(moved[1][1]) < 1e-6
    and 0.025 < moved[10][0] < 0.031 and 0.050 < moved[20][0] < 0.062
    and all(abs(moved[factor][1] + 4.5) < 0.01 for factor in (5, 10, 20))
    and moved[10][2] == 100.0
    and abs(t - 4.0) < 1e-4 and abs(x - 200.0) < 0.01
)
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/show.py"
