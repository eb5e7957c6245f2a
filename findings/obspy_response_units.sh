#!/usr/bin/env bash
# ObsPy's remove_response and remove_sensitivity differ by the prefix of the input units,
# and "velocity" from a strain meter is its time derivative.
#
# One would guess: removing a flat response and removing its sensitivity give the same
#   amplitudes. And a channel whose response is per strain (M/M) or per pascal comes
#   out in strain or pascals, or is refused, as there is no velocity to compute.
# What happens, without an error or a warning, with a StationXML that was read from a file:
#   * input units with a prefix (NM/S, MM/S, CM/S**2): remove_response gives SI units,
#     because evalresp scales such units. remove_sensitivity divides by the stated
#     value and stays in nm/s: 9 orders of magnitude apart, and so are magnitudes.
#   * M/M: evalresp treats strain as displacement. With the default output="VEL" the
#     result is the strain rate, at 5 Hz 31 times the strain. PA is treated as
#     velocity, so output="DISP" integrates the pressure.
# Versions: ObsPy 1.5.1 (NumPy 2.2.6).
# Source: obspy.core.inventory.response, "_call_eval_resp_for_frequencies" (the
#   mapping of units, with the comment "Evalresp internally treats strain as
#   displacement"); obspy.core.trace.Trace.remove_sensitivity.
# Advice: read input_units of the first stage yourself. Convert prefixes before either
#   call, and use output="DEF" for anything but displacement, velocity, acceleration.
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
from obspy.core.inventory import Channel, Inventory, Network, Response, Station

for name in ("obspy", "numpy"):
    print(name, version(name))


def stationxml(units):
    """An inventory of 0.5 counts per unit, flat above 0.1 Hz, written and read again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # making the response warns; reading it does not
        response = Response.from_paz(
            [0j, 0j], [-0.037 + 0.037j, -0.037 - 0.037j], 0.5, 5.0, units, "COUNTS", normalization_frequency=5.0
        )
        response.instrument_sensitivity.value = 0.5
    channel = Channel("HHZ", "", 1, 2, 0, 0, sample_rate=100, response=response)
    file = io.BytesIO()
    Inventory([Network("XX", [Station("A", 1, 2, 0, channels=[channel])])], source="x").write(file, format="STATIONXML")
    file.seek(0)
    return obspy.read_inventory(file)


def largest(trace):
    return float(np.abs(trace.data[1000:5000]).max())


t = np.arange(6000) / 100
counts = obspy.Trace(
    0.5 * 7 * np.sin(2 * np.pi * 5 * t), {"network": "XX", "station": "A", "channel": "HHZ", "sampling_rate": 100.0}
)
found = {}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for units in ("M/S", "NM/S", "M/M", "PA"):
        inventory = stationxml(units)
        found[units] = [largest(counts.copy().remove_response(inventory, output=o)) for o in ("VEL", "DISP", "DEF")]
        found[units].append(largest(counts.copy().remove_sensitivity(inventory)))
print(f"the input is 7 units at 5 Hz in each case; {len(caught)} warnings")
print(f"{'units':6}{'VEL':>12}{'DISP':>12}{'DEF':>12}{'sensitivity':>13}")
for units, values in found.items():
    print(f"{units:6}" + "".join(f"{value:12.3g}" for value in values))
print("expected: VEL and sensitivity are equal for NM/S; 7 in each column but DISP for M/M and PA")
near = np.isclose
as_described = (
    near(found["M/S"][0], 7, rtol=0.01)
    and near(found["NM/S"][0], 7e-9, rtol=0.01)
    and near(found["NM/S"][3], 7, rtol=0.01)
    and near(found["M/M"][0], 7 * 2 * np.pi * 5, rtol=0.01)
    and near(found["PA"][1], 7 / (2 * np.pi * 5), rtol=0.01)
    and not caught
)
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2> /dev/null
