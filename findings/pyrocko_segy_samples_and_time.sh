#!/usr/bin/env bash
# Pyrocko's SEG-Y reader reads 16-bit samples as 32-bit, and shifts start times.
#
# One would guess: a standard SEG-Y file with 16-bit integer samples (format code
#   3, usual for compact fibre recordings) has the same samples and start time in
#   Pyrocko and in ObsPy.
# What happens, without a warning:
#   * two neighbouring 16-bit samples are read as one 32-bit integer. A trace of 200
#     samples comes back with 100, of the wrong sizes, at the old sampling
#     interval, so that it also ends in the middle of the recording.
#   * bytes 169-170 and 171-172 of the trace header are added to the start time as
#     milliseconds and microseconds. In the standard they are the trace weighting
#     factor and the geophone group number of roll switch position one. A weighting
#     factor of 12 makes every arrival 12 ms late, in any sample format.
# Versions: pyrocko 2026.6.2, on files of ObsPy 1.5.1.
# Source: pyrocko, module "io.segy": the table of sample formats, where code 3 has
#   two bytes but a four-byte type, and the reading of the trace header, where a
#   comment doubts that the two fields are standard. SEG-Y revision 1, table of the
#   trace header, bytes 169-172. No public report was found.
# Advice: read SEG-Y with ObsPy or segyio. Where Pyrocko must read it, convert to
#   32-bit samples (code 2 or 5), set the two fields to zero, and compare the
#   number of samples with the trace header.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "pyrocko==2026.6.2" "obspy==1.5.1"

cat > "$folder/show.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np

warnings.simplefilter("ignore")
import obspy
from obspy.core import AttribDict
from pyrocko import io

for name in ("pyrocko", "obspy", "numpy"):
    print(name, version(name))

path = sys.argv[1]
start = obspy.UTCDateTime(2020, 3, 5, 1, 2, 3)
wave = np.round(1000 * np.sin(2 * np.pi * np.arange(200) / 50))


def both(code, kind, weighting=0, group=0):
    """Write two traces with ObsPy; read them back with ObsPy and with Pyrocko."""
    stream = obspy.Stream()
    for _ in range(2):
        trace = obspy.Trace(wave.astype(kind), {"sampling_rate": 100.0, "starttime": start})
        header = AttribDict()
        header.trace_weighting_factor = weighting
        header.geophone_group_number_of_roll_switch_position_one = group
        trace.stats.segy = AttribDict(trace_header=header)
        stream.append(trace)
    stream.write(path, format="SEGY", data_encoding=code)
    results = []
    reference = obspy.read(path, format="SEGY")[0]
    results.append((reference.stats.npts, np.abs(reference.data).max(),
                    reference.stats.starttime - start))
    other = io.load(path, format="segy")[0]
    results.append((other.data_len(), np.abs(other.ydata.astype(float)).max(),
                    float(other.tmin) - start.timestamp))
    return results


cases = {
    "32-bit integers": both(2, np.int32),
    "16-bit integers": both(3, np.int16),
    "32-bit integers, weighting factor 12": both(2, np.int32, weighting=12),
    "32-bit integers, geophone group 345": both(2, np.int32, group=345),
}
print(f"{'file':38s}{'reader':9s}samples  largest value  start late by")
for case, results in cases.items():
    for reader, (samples, largest, late) in zip(("ObsPy", "Pyrocko"), results):
        print(f"{case:38s}{reader:9s}{samples:7d}  {largest:13.0f}  {late * 1000:9.3f} ms")

plain, half, weighted, grouped = (results[1] for results in cases.values())
as_described = (
    all(results[0][0] == 200 and results[0][1] < 1001 and results[0][2] == 0
        for results in cases.values())
    and plain[0] == 200 and plain[1] < 1001 and abs(plain[2]) < 1e-5
    and half[0] == 100 and half[1] > 1e6
    and abs(weighted[2] - 0.012) < 1e-5
    and abs(grouped[2] - 0.000345) < 1e-5
)
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder/two.sgy"
