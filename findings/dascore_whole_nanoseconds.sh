#!/usr/bin/env bash
# DASCore rounds the sampling interval to whole nanoseconds and counts with it.
#
# One would guess: a DAS file of one minute at 30 kHz lasts one minute, and the file
#   that follows it begins one interval after its last sample.
# What happens, without a warning: the time coordinate has an integer step in ns.
#   30 kHz needs 33,333.33 ns and gets 33,333 ns. The rate reads 30,000.3 Hz, and
#   the last sample of a minute is 600 microseconds, or 18 samples, early. The next
#   file has the time of its own header, so that two files which join are 18
#   samples apart, and chunk(time=None) does not merge them.
#   The error is at most half a ns for each sample: nothing at 100, 500 or 1000 Hz,
#   whose intervals are whole; 10 ppm at 30 kHz, 40 ppm at 60 kHz.
# Versions: dascore 0.1.24.
# Source: dascore, "to_timedelta64" and the coordinate "CoordRange", which is
#   start + i * step in timedelta64[ns]. No public report was found of the drift.
# Advice: take the rate from the header of the file, and compute times as
#   start + i / rate yourself, above 1 kHz and at rates such as 3 or 60 Hz.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "dascore==0.1.24"

cat > "$folder/show.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import dascore
import h5py
import numpy as np

for name in ("dascore", "h5py", "numpy"):
    print(name, version(name))

seconds, folder = 60, Path(sys.argv[1])


def silixa(name, rate, minute):
    """Write a Silixa HDF5 file of one minute and two channels, and read it."""
    attributes = {
        "GaugeLength": "10", "SamplingFrequency[Hz]": str(rate), "Fibre Length Multiplier": "1",
        "Start Distance (m)": "0", "Stop Distance (m)": "2", "Fibre Length per Metre": "1",
        "GPSTimeStamp": f"22/09/2023 18:{minute:02d}:00.000 (UTC)", "Tags": "", "PulseWidth[ns]": "50",
        "CPUTimeStamp": f"22/09/2023 18:{minute:02d}:00.000 (UTC)", "MeasureLength[m]": "4",
        "StartPosition[m]": "0", "SpatialResolution[m]": "2", "SystemInfomation.Devices1.SerialNum": "0",
    }
    with h5py.File(folder / name, "w") as file:
        data = file.create_dataset("Acoustic", data=np.zeros((rate * seconds, 2), np.int16))
        data.attrs.update(attributes)
    return dascore.read(folder / name)[0]


found = {}
for rate in (1000, 30_000):
    first, second = (silixa(f"{rate}-{minute}.h5", rate, minute) for minute in (10, 11))
    time = first.get_coord("time")
    last = np.datetime64("2023-09-22T18:11:00", "ns") - np.timedelta64(round(1e9 / rate), "ns")
    early_us = (last - time.max()) / np.timedelta64(1, "us")
    merged = len(dascore.spool([first, second]).chunk(time=None))
    found[rate] = early_us, merged
    print(f"{rate} Hz: step {time.step}, last sample expected {last}")
    print(f"    found {time.max()}: {early_us:.1f} us or {early_us * rate / 1e6:.1f} samples early;",
          f"two files in a row become {merged} patch(es)")

as_described = abs(found[1000][0]) < 1 and found[1000][1] == 1 and abs(found[30_000][0] - 600) < 1
as_described = as_described and found[30_000][1] == 2
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder"
