#!/usr/bin/env bash
# nllgrid projects SIMPLE grids of NonLinLoc without the cosine of the latitude.
#
# One would guess: for a NonLinLoc grid with "TRANSFORM SIMPLE", NLLGrid.project()
#   gives the x and y that NonLinLoc used when it made the grid.
# What happens: x is one degree of the equator for each degree of longitude, at any
#   latitude. NonLinLoc shortens x by the cosine of the point's latitude. At 60
#   degrees north x is twice as large as it should be, at 45 degrees 1.41 times.
#   y is also 0.19 per cent too large. Travel times looked up at the projected place
#   are wrong, and iproject() puts grid points half as far east as they are, with
#   no warning. project() and iproject() agree with each other, so that a round
#   trip does not show it.
# Versions: nllgrid 1.7.
# Source: nllgrid, module "NLLGrid", property "proj_function": the SIMPLE branch
#   uses PROJ's equidistant cylindrical projection with an origin of latitude but
#   no latitude of true scale, which is the equator then. NonLinLoc, map
#   projections, conversion of latitude and longitude to x and y, case SIMPLE. No
#   public report was found.
# Advice: for SIMPLE grids, compute x and y yourself (111.11 km a degree, x times
#   the cosine of the latitude of the point, then the rotation), or make the grids
#   with LAMBERT, TRANS_MERC or AZIMUTHAL_EQUIDIST, which nllgrid projects well.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "nllgrid==1.7"

cat > "$folder/show.py" <<'PYTHON'
import math
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from nllgrid import NLLGrid
from pyproj import Geod

for name in ("nllgrid", "pyproj", "numpy"):
    print(name, version(name))

# A travel-time grid: station at the origin, 6 km/s everywhere, nodes every 2 km.
folder = Path(sys.argv[1])
n, step, speed = 71, 2.0, 6.0
x, y, z = np.meshgrid(np.arange(n) * step, np.arange(n) * step, np.arange(3) * step, indexing="ij")
times = np.sqrt(x**2 + y**2 + z**2) / speed


def grid_at(latitude, transform):
    """Write a grid of NonLinLoc (header and values), and read it with nllgrid."""
    base = folder / f"grid{latitude:.0f}"
    base.with_suffix(".hdr").write_text(
        f"{n} {n} 3 0.000000 0.000000 0.000000 {step} {step} {step} TIME FLOAT\n"
        "STA 0.000000 0.000000 0.000000\n"
        f"TRANSFORM {transform}\n"
    )
    times.astype("<f4").tofile(base.with_suffix(".buf"))
    return NLLGrid(str(base))


geod = Geod(ellps="WGS84")
print("latitude  true km  NonLinLoc km  nllgrid km  ratio  time at true x  time at nllgrid x")
ratios = {}
for latitude in (0.0, 30.0, 45.0, 60.0):
    grid = grid_at(latitude, f"SIMPLE LatOrig {latitude:.6f} LongOrig 10.000000 RotCW 0.000000")
    # A point 1 degree east of the station.
    true_km = geod.inv(10.0, latitude, 11.0, latitude)[2] / 1000
    expected_km = 10000.0 / 90.0 * math.cos(math.radians(latitude))
    got_km, north_km = grid.project(11.0, latitude)
    ratios[latitude] = got_km / expected_km
    print(f"{latitude:8.0f} {true_km:8.2f} {expected_km:13.2f} {got_km:11.2f} {ratios[latitude]:6.3f}"
          f" {grid.get_value(expected_km, 0.0, 0.0):12.2f} s"
          f" {grid.get_value(got_km, north_km, 0.0):16.2f} s")

back_lon, back_lat = grid.iproject(55.5556, 0.0)
print(f"at 60 N, x = 55.56 km is 1 degree east; iproject gives {float(back_lon) - 10.0:.3f} degree")
lambert = grid_at(
    60.0,
    "LAMBERT RefEllipsoid WGS-84 LatOrig 60.000000 LongOrig 10.000000"
    " FirstStdParal 59.000000 SecondStdParal 61.000000 RotCW 0.000000",
)
lambert_km = lambert.project(11.0, 60.0)[0]
print(f"at 60 N, LAMBERT: {lambert_km:.2f} km for 1 degree")

as_described = (
    all(abs(ratio * math.cos(math.radians(latitude)) - 1) < 0.01 for latitude, ratio in ratios.items())
    and abs(float(back_lon) - 10.5) < 0.01
    and abs(lambert_km - 55.8) < 0.1
)
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder"
