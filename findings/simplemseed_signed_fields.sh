#!/usr/bin/env bash
# simplemseed reads signed and real fields of miniSEED 2 as unsigned integers.
#
# One would guess: a record that ObsPy wrote has the same sampling rate and start
#   time in simplemseed, at any rate.
# What happens, without a warning:
#   * sampling rates below 1 Hz: the factor and the multiplier of the fixed header
#     are negative then, and are read as unsigned. 0.1 Hz becomes 4.29e9 Hz. Some
#     rates above 1 Hz that need a divisor go wrong in the same way (59.94 Hz).
#   * sampling rates in a Blockette 100: the bits of the 32-bit real number are
#     read as an integer. 49.9986 Hz becomes 1.11e9 Hz.
#   * start times: the microseconds of Blockette 1001 run from -50 to 99 and are
#     read as unsigned, so that each negative offset puts the record 256
#     microseconds late. ObsPy rounds the header time, so about half of all
#     start times with microseconds have a negative offset.
#   The converter mseed2to3 copies the wrong rate into the miniSEED 3 record.
#   A whole-number rate of 100 Hz and an offset of zero or more are read well.
# Versions: simplemseed 1.0.2, on files of ObsPy 1.5.1.
# Source: simplemseed, module "miniseed", functions "unpackMiniseedHeader",
#   "unpackBlockette100" and "unpackBlockette1001" (the codes of the struct
#   formats); SEED 2.4 manual, fixed section of the data header, fields 10 and 11
#   (signed words), Blockette 100 field 3 (float) and Blockette 1001 field 4
#   (signed byte). No public report was found.
# Advice: read miniSEED 2 with ObsPy, pymseed or Pyrocko. With simplemseed, keep to
#   miniSEED 3 records, and refuse any sampling rate that the station metadata
#   does not confirm.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "simplemseed==1.0.2" "obspy==1.5.1"

cat > "$folder/show.py" <<'PYTHON'
import datetime
import sys
import warnings
from importlib.metadata import version

import numpy as np

warnings.simplefilter("ignore")
import obspy
import simplemseed
from simplemseed.mseed2to3 import mseed2to3

for name in ("simplemseed", "obspy", "numpy"):
    print(name, version(name))

path = sys.argv[1]


def both(rate, microsecond):
    """Write one trace with ObsPy; read it back with ObsPy and with simplemseed."""
    trace = obspy.Trace(np.arange(50, dtype=np.int32))
    trace.stats.sampling_rate = rate
    trace.stats.starttime = obspy.UTCDateTime(2020, 1, 1, 0, 0, 0, microsecond)
    trace.stats.station, trace.stats.channel = "STA", "HHZ"
    trace.write(path, format="MSEED", reclen=512)
    back = obspy.read(path)[0].stats
    with open(path, "rb") as stream:
        record = next(iter(simplemseed.readMiniseed2Records(stream)))
    start = record.starttime()
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    late_us = (start - begin) // datetime.timedelta(microseconds=1) - microsecond
    obspy_late_us = round((back.starttime - obspy.UTCDateTime(2020, 1, 1)) * 1e6) - microsecond
    converted = mseed2to3(record).header.sampleRate
    return back.sampling_rate, record.header.sampleRate, converted, obspy_late_us, late_us


print("written Hz   ObsPy Hz     simplemseed Hz   after mseed2to3 Hz")
rates = {}
for rate in (100.0, 0.1, 1.0 / 3.0, 59.94, 49.9986):
    rates[rate] = both(rate, 0)
    print("%-12.6g %-12.6g %-16.6g %.6g" % (rate, *rates[rate][:3]))

print("start after the second   ObsPy late by   simplemseed late by")
lates = {}
for microsecond in (123440, 123456):
    lates[microsecond] = both(100.0, microsecond)[3:]
    print("%19d us %12d us %18d us" % (microsecond, *lates[microsecond]))

as_described = (
    all(abs(values[0] / rate - 1) < 1e-6 for rate, values in rates.items())
    and rates[100.0][1] == 100.0
    and all(rates[rate][1] > 1e6 and rates[rate][2] > 1e6 for rate in rates if rate != 100.0)
    and lates[123440] == (0, 0)
    and lates[123456] == (0, 256)
)
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder/one.mseed"
