#!/usr/bin/env bash
# ObsPy cuts long station codes when it writes miniSEED, so that stations become one.
#
# One would guess: a station code that does not fit into miniSEED 2 (five characters)
#   is refused, or at least reported, when a Stream is written.
# What happens, without an error or a warning:
#   * SAC and other formats hold codes of eight characters, such as NODE0001 of a
#     nodal array. Stream.write(format="MSEED") keeps the first five. All nodes of
#     the array are then XX.NODE0.., and merge() or any program that reads the file
#     takes them as overlapping data of one station.
#   * networks are cut to two characters, locations to two and channels to three.
# Versions: ObsPy 1.5.1 (NumPy 2.2.6).
# Source: obspy.io.mseed.core._write_mseed (codes are passed to libmseed, whose
#   record header has fields of fixed width); SEED 2.4 manual, fixed section of the
#   data header, fields 4 to 7.
# Advice: check the lengths of codes before writing miniSEED 2, or rename the
#   stations with a table, or write another format.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "obspy==1.5.1" "numpy==2.2.6"

cat > "$folder/show.py" <<'PYTHON'
import io
import sys
import warnings
from importlib.metadata import version

import numpy as np
import obspy

for name in ("obspy", "numpy"):
    print(name, version(name))
codes = [f"NODE000{number}" for number in range(1, 5)]
stream = obspy.Stream(
    obspy.Trace(np.full(100, number, np.int32), {"network": "XX", "station": code, "channel": "DPZ"})
    for number, code in enumerate(codes)
)
file = io.BytesIO()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    stream.write(file, format="MSEED")
file.seek(0)
read = [trace.stats.station for trace in obspy.read(file)]
print("expected: ", codes, "or an error")
print("obtained: ", read, f"and {len(caught)} warnings")
sys.exit(0 if read == ["NODE0"] * 4 and not caught else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py"
