#!/usr/bin/env bash
# tectonic-utils: latlon2xy and xy2lonlat are not inverse, and rotate_vector_by_angle turns clockwise.
#
# One would guess: xy2lonlat(*latlon2xy(lon, lat, lon0, lat0), lon0, lat0) returns lon and
#   lat; the two convert fault planes and data to and from local km. And
#   rotate_vector_by_angle(1, 0, 90) is (0, 1), since its angle is documented as
#   "degrees CCW from East like the mathematical definition".
# What happens: latlon2xy takes the length and the initial bearing of the great circle,
#   xy2lonlat a flat map with 111.000 km a degree (the sphere of the former has 111.195).
#   A point 200 km east at 60 degrees north comes back 5.4 km too far north, at 70
#   degrees 8.6 km. Even on the equator 100 km become 100.2 km. The vector is rotated to
#   (0, -1).
# Versions: tectonic-utils 0.2.1.
# Source: tectonic_utils.geodesy, "fault_vector_functions" (latlon2xy_single,
#   xy2lonlat_single) and "insar_vector_functions" (rotate_vector_by_angle, which negates
#   theta). No public report was found.
# Advice: convert with one projection in both directions, such as pyproj's transverse
#   Mercator about the fault. Give rotate_vector_by_angle the negative angle.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "numpy<2.0" "pyproj>=3.6"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "tectonic-utils==0.2.1"

cat > "$folder/show.py" <<'PYTHON'
import sys
from importlib.metadata import version

from pyproj import Geod
from tectonic_utils.geodesy.fault_vector_functions import latlon2xy, xy2lonlat
from tectonic_utils.geodesy.insar_vector_functions import rotate_vector_by_angle

for name in ("tectonic-utils", "numpy", "pyproj"):
    print(name, version(name))

geod = Geod(ellps="WGS84")
print("latitude  point 200 km east       there and back          error km, of it north")
errors = {}
for latitude in (0.0, 45.0, 60.0, 70.0):
    lon = 10.0 + 200.0 / geod.inv(10.0, latitude, 11.0, latitude)[2] * 1000  # on the same parallel
    x, y = latlon2xy(lon, latitude, 10.0, latitude)
    back_lon, back_lat = xy2lonlat(x, y, 10.0, latitude)
    error = geod.inv(lon, latitude, back_lon, back_lat)[2] / 1000
    errors[latitude] = error
    print(f"{latitude:8.0f} {lon:12.5f} {latitude:9.5f} {back_lon:12.5f} {back_lat:9.5f}"
          f" {error:12.2f} {(back_lat - latitude) * 111.2:8.2f}")

turned = rotate_vector_by_angle(1.0, 0.0, 90.0)
print(f"(1, 0) rotated by 90 degrees, expected (0, 1): ({turned[0]:.0f}, {turned[1]:.0f})")

as_described = 0.2 < errors[0.0] < 0.7 and errors[60.0] > 4 and errors[70.0] > 7 and turned[1] < -0.99
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py"
