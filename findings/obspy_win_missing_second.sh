#!/usr/bin/env bash
# ObsPy joins the seconds of a WIN file without looking at their times.
#
# One would guess: a WIN file is a sequence of one-second blocks, each with its own
#   time, so a channel that is missing from one block has a gap there in ObsPy.
# What happens, without a warning: the samples of each channel are appended to each
#   other, and all channels start at the time of the first block. A channel that is
#   missing from one block comes one second too early from there on. A channel that
#   begins two seconds after the others comes two seconds too early throughout. A
#   second that is missing from the whole file shifts all channels. The stream has
#   one trace per channel and no gap, so that nothing in it shows the fault.
#   Telemetry networks that record in WIN lose seconds of single channels often.
# Versions: obspy 1.5.1.
# Source: obspy, module "obspy.io.win.core", function "_read_win": the date of each
#   block is read, but only the first one is used. The pull request that added the
#   reader (obspy/obspy#719) lists gaps as a thing to do.
# Advice: read the block headers of a WIN file yourself (4 bytes size, 6 bytes of
#   decimal digits, then the channels), count the seconds of each channel, and do
#   not use a trace that is shorter than the file. Or convert with win2sac or
#   another program of the WIN system.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "obspy==1.5.1" "setuptools<81"

cat > "$folder/show.py" <<'PYTHON'
import struct
import sys
import warnings
from importlib.metadata import version

import numpy as np

warnings.simplefilter("ignore")
import obspy

for name in ("obspy", "numpy"):
    print(name, version(name))


def win(path, absent):
    """Write 5 s of two channels at 100 Hz; each value is the number of its sample since 00:00:00.

    Channel 0102 is missing from some seconds.
    """
    blocks = b""
    for second in range(5):
        body = b""
        for channel in (0x0101, 0x0102):
            if channel == 0x0101 or second not in absent:
                body += struct.pack(">HHi", channel, (1 << 12) | 100, 100 * second) + b"\1" * 99
        blocks += struct.pack(">i", 10 + len(body)) + bytes([0x20, 1, 1, 0, 0, second]) + body
    with open(path, "wb") as file:
        file.write(blocks)


def early_seconds(absent):
    """Return by how many seconds each sample of channel 0102 comes too early in ObsPy, and the warnings."""
    win(sys.argv[1], absent)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (trace,) = obspy.read(sys.argv[1], format="WIN").select(channel="0102")
        number_of = [item for item in caught if "win" in str(item.filename)]
    at = (trace.stats.starttime - obspy.UTCDateTime(2020, 1, 1)) + trace.times()
    return sorted({round(float(value) / 100 - float(time), 6) for value, time in zip(trace.data, at)}), len(number_of)


print("seconds without channel 0102   early by (s)   warnings")
seen = {}
for absent in ((), (2,), (0, 1)):
    seen[absent] = early_seconds(set(absent))
    print("%-30s %-14s %d" % (absent or "none", seen[absent][0], seen[absent][1]))

as_described = seen == {(): ([0.0], 0), (2,): ([0.0, 1.0], 0), (0, 1): ([2.0], 0)}
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder/five_seconds.win"
