#!/usr/bin/env bash
# DASCore moves the channels of Silixa HDF5 files along the fibre by the length of the fibre.
#
# One would guess: the distances of a Silixa file are those of its header, from
#   "Start Distance (m)" to "Stop Distance (m)".
# What happens, without a warning: the first channel is put at "StartPosition[m]"
#   plus "MeasureLength[m]" times the "Fibre Length Multiplier", so at the far end
#   of what was measured. In the file of DASCore's own test data the header says
#   0.8 to 7,839.7 m, and DASCore 8,082.9 to 15,921.8 m. The spacing is right, so
#   that apparent velocities are right, and positions along the cable are not:
#   a selection such as distance=(0, 1000) is empty.
# Versions: dascore 0.1.24; 0.1.9, 0.1.16 and 0.1.20 compute the same.
# Source: dascore, module "io/silixah5/utils.py", function "_get_distance_coord",
#   whose comment says that the stated start and stop are not used. No public
#   report was found.
# Advice: after reading, replace the coordinate by
#   linspace(Start Distance, Stop Distance, number of channels) of the header.
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

# The attributes of a recording of 10 km in steps of 2 m times the multiplier.
n_channels, multiplier = 5000, 1.020952
step = 2.0 * multiplier
attributes = {
    "GaugeLength": "10", "SamplingFrequency[Hz]": "500", "Fibre Length Multiplier": str(multiplier),
    "Start Distance (m)": "0.765761", "Stop Distance (m)": str(0.765761 + step * (n_channels - 1)),
    "Fibre Length per Metre": "1", "GPSTimeStamp": "22/09/2023 18:29:26.158 (UTC)",
    "CPUTimeStamp": "22/09/2023 18:52:18.801 (UTC)", "Tags": "", "PulseWidth[ns]": "50",
    "MeasureLength[m]": str(2 * n_channels), "StartPosition[m]": "242", "SpatialResolution[m]": "2",
    "SystemInfomation.Devices1.SerialNum": "0",
}
path = Path(sys.argv[1]) / "silixa.h5"
with h5py.File(path, "w") as file:
    data = file.create_dataset("Acoustic", data=np.zeros((50, n_channels), np.int16))
    data.attrs.update(attributes)

print("format:", dascore.get_format(path))
patch = dascore.read(path)[0]
distance = patch.get_array("distance")
expected = [float(attributes[name]) for name in ("Start Distance (m)", "Stop Distance (m)")]
print(f"header:  {expected[0]:.1f} to {expected[1]:.1f} m")
print(f"DASCore: {distance[0]:.1f} to {distance[-1]:.1f} m")
near = patch.select(distance=(0, 1000)).shape
print("channels in the first km by the header:", int((1000 - expected[0]) / step) + 1, "by DASCore:", near)
moved = distance[0] - (242 + 2 * n_channels * multiplier)
as_described = abs(moved) < 0.1 and abs(distance[1] - distance[0] - step) < 1e-6
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder"
