#!/usr/bin/env bash
# MintPy projects for a right-looking radar, also where the scene is from a left-looking one.
#
# One would guess: enu2los(..., head_angle=-12) and the along-track unit vector of
#   get_unit_vector4component_of_interest(comp="orb_az") hold for NISAR too, whose angles
#   (los_az_angle = -78, head_angle = -12 ascending) stand in the table of typical values
#   in the same module.
# What happens: both call heading2azimuth_angle() and los2orbit_azimuth_angle() without
#   look_direction, and the default is "right". With a heading, the horizontal part of
#   the line of sight has the wrong sign: 1 m to the east gives -0.64 m instead of
#   +0.64 m. The along-track vector points against the flight direction, so that
#   azimuth offsets get the wrong sign. Neither function has an argument for it, and
#   there is no warning. enu2los with az_angle is right.
# Versions: MintPy 1.6.4.
# Source: MintPy, module "utils0": functions "enu2los" (call of heading2azimuth_angle)
#   and "get_unit_vector4component_of_interest" (branch "orb_az"). No public report was
#   found.
# Advice: for left-looking scenes pass az_angle (of the line of sight) and never
#   head_angle. Compute the flight direction with
#   los2orbit_azimuth_angle(..., look_direction="left") and project with en2az().
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "numpy>=1.26" "h5py>=3.10"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "mintpy==1.6.4"

cat > "$folder/show.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from mintpy.utils import utils0 as ut

for name in ("mintpy", "numpy"):
    print(name, version(name))

incidence, heading = 41.0, -12.0  # ascending; heading clockwise from north
flight = np.array([np.sin(np.radians(heading)), np.cos(np.radians(heading))])  # east, north
print("side    los_az  E part expected  with az_angle  with head_angle  along-track vector (expected "
      f"{flight[0]:+.2f} {flight[1]:+.2f})")
found = {}
for side, los_azimuth in (("right", 102.0), ("left", -78.0)):
    # The vector from the ground to the satellite is 90 degrees from the flight, on the other side than the radar looks.
    sign = 1 if side == "right" else -1
    expected = -sign * np.sin(np.radians(incidence)) * flight[1]
    by_azimuth = ut.enu2los(1.0, 0.0, 0.0, incidence, az_angle=los_azimuth)
    by_heading = ut.enu2los(1.0, 0.0, 0.0, incidence, head_angle=heading)
    along = np.array(ut.get_unit_vector4component_of_interest(incidence, los_azimuth, comp="orb_az")[:2])
    found[side] = (by_azimuth / expected, by_heading / expected, float(along @ flight))
    print(f"{side:6s} {los_azimuth:7.1f} {expected:16.3f} {by_azimuth:14.3f} {by_heading:16.3f}"
          f"  {along[0]:+.2f} {along[1]:+.2f}")

as_described = np.allclose(found["right"], (1, 1, 1), atol=0.01) and np.allclose(
    found["left"], (1, -1, -1), atol=0.01
)
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py"
