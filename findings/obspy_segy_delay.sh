#!/usr/bin/env bash
# ObsPy ignores the delay recording time of SEG-Y and SU traces.
#
# One would guess: the start time of a SEG-Y or SU trace in ObsPy is the time of its
#   first sample: the time in the trace header plus the delay recording time.
# What happens, without a warning: the start time is the time of the header alone.
#   The delay (bytes 109-110, in ms, to be multiplied by the scalar in bytes
#   215-216) stays in the unpacked trace header. Records with a pre-trigger of
#   200 ms are 200 ms late. With a different delay on each trace, the traces of one
#   shot do not line up, although they did in the file. For SEG-2, ObsPy warns of
#   the same field; for SEG-Y and SU it does not.
# Versions: obspy 1.5.1, compared with segyio 1.9.13.
# Source: obspy, module "obspy.io.segy.core", functions "_read_segy" and "_read_su":
#   the start time is made of year, day, hour, minute and second. SEG-Y revision 1,
#   standard trace header, bytes 109-110 and 215-216. No public report was found.
# Advice: add stats.segy.trace_header.delay_recording_time (for SU stats.su) to the
#   start time of each trace, with its scalar, or read the traces with segyio.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "obspy==1.5.1" "segyio==1.9.13" "setuptools<81"

cat > "$folder/show.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import segyio

warnings.simplefilter("ignore")
import obspy
from obspy.io.segy.segy import SEGYTraceHeader

for name in ("obspy", "segyio", "numpy"):
    print(name, version(name))

HEADER_TIME = obspy.UTCDateTime(2020, 1, 1, 12)
DELAYS = (0, -200, 500)  # ms


def shot():
    """Return three traces of one shot that begin 0, -200 and 500 ms after the time of the header."""
    stream = obspy.Stream()
    for delay in DELAYS:
        trace = obspy.Trace(np.zeros(500, dtype=np.float32), {"delta": 0.002, "starttime": HEADER_TIME})
        header = SEGYTraceHeader()
        header.delay_recording_time = delay
        header.scalar_to_be_applied_to_times = 1
        trace.stats.segy = {"trace_header": header}
        trace.stats.su = {"trace_header": header}
        stream.append(trace)
    return stream


def start_times(path, kind):
    """Return the start of each trace in ObsPy, in ms after the header time, and the number of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = obspy.read(path, format=kind)
        number = sum("segy" in str(item.filename) for item in caught)
    return [round((trace.stats.starttime - HEADER_TIME) * 1000) for trace in stream], number


seen = {}
for kind in ("SEGY", "SU"):
    path = sys.argv[1] + "." + kind.lower()
    shot().write(path, format=kind, **({"data_encoding": 5} if kind == "SEGY" else {}))
    seen[kind] = start_times(path, kind)
with segyio.open(sys.argv[1] + ".segy", ignore_geometry=True) as file:
    stated = [int(header[segyio.TraceField.DelayRecordingTime]) for header in file.header]

print("delay in the file (segyio), ms:     ", stated)
for kind, (starts, number) in seen.items():
    print(f"start after the header time, {kind}, ms:", starts, "; warnings:", number)

as_described = stated == list(DELAYS) and all(result == ([0, 0, 0], 0) for result in seen.values())
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder/shot"
