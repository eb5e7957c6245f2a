#!/usr/bin/env bash
# PyOcto's GaMMA adapter reverses the sign of station depths.
#
# One would guess: a station table that works in GaMMA works in
#   OctoAssociator.associate_gamma() as it is. Both count z in kilometres,
#   positive downwards: GaMMA's examples set "z(km)" to minus the elevation.
# What happens: associate_gamma() reverses the sign of "z(km)" before it
#   associates. A station 3 km above sea level is placed 3 km below it. Nothing
#   is reported: the picks are associated, and the event is located too deep.
#   Here, stations at 2.0 to 3.0 km put an event of 5.0 km at more than 8 km.
# Versions: pyocto 0.2.2 with GMMA 1.2.17.
# Source: pyocto, module "associator", method "associate_gamma", where the
#   stations are renamed and negated; the same module's "transform_stations"
#   states that z is in kilometres below zero. GaMMA, module "seismic_ops",
#   function "calc_time": travel times come from the plain difference of event
#   and station z, and event z is a depth. No public report was found.
# Advice: give PyOcto its own table: columns id, x, y and z, with z equal to
#   minus the elevation in kilometres, and call associate(). To keep
#   associate_gamma(), reverse the sign of "z(km)" first, and only for this call.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "pyocto==0.2.2" "GMMA==1.2.17"

cat > "$folder/show.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyocto
from gamma.seismic_ops import calc_time
from gamma.utils import association

warnings.simplefilter("ignore")
for name in ("pyocto", "GMMA", "numpy", "pandas"):
    print(name, version(name))

# Fourteen stations around one event, all of them 2 to 3 km above sea level.
n = 14
angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
radius = np.where(np.arange(n) % 2, 9.0, 22.0)
elevation_m = 2500.0 + 500.0 * np.cos(3 * angle)
stations = pd.DataFrame(
    {
        "id": [f"XX.S{i:02d}." for i in range(n)],
        "x(km)": radius * np.cos(angle),
        "y(km)": radius * np.sin(angle),
        "z(km)": -elevation_m / 1000.0,
    }
)
true = np.array([1.0, -2.0, 5.0])
velocity = {"p": 6.0, "s": 6.0 / 1.75}
origin = pd.Timestamp("2024-05-01T00:01:00")

# GaMMA itself computes the travel times, from the table in its own convention.
rows = []
for phase in "ps":
    event = np.tile(np.r_[true, 0.0], (n, 1))
    places = stations[["x(km)", "y(km)", "z(km)"]].to_numpy()
    for station, time in zip(stations["id"], calc_time(event, places, [phase] * n, velocity)[:, 0]):
        rows.append((station, origin + pd.Timedelta(seconds=float(time)), phase, 0.9, 1e-3))
picks = pd.DataFrame(rows, columns=["id", "timestamp", "type", "prob", "amp"])

box = 40.0
events, _ = association(
    picks.copy(),
    stations.copy(),
    {
        "dims": ["x(km)", "y(km)", "z(km)"],
        "x(km)": (-box, box), "y(km)": (-box, box), "z(km)": (0, 20),
        "bfgs_bounds": ((-box, box), (-box, box), (0, 20), (None, None)),
        "use_dbscan": False, "use_amplitude": False, "vel": velocity, "ncpu": 1,
        "oversample_factor": 4, "min_picks_per_eq": 5,
        "max_sigma11": 1.0, "max_sigma22": 1.0, "max_sigma12": 1.0,
    },
    method="BGMM",
)
depth_gamma = float(pd.DataFrame(events).iloc[0]["z(km)"])


def depth_pyocto(table):
    associator = pyocto.OctoAssociator(
        xlim=(-box, box), ylim=(-box, box), zlim=(0, 20),
        velocity_model=pyocto.VelocityModel0D(velocity["p"], velocity["s"], tolerance=2.0),
        time_before=30, n_picks=10, n_p_picks=4, n_s_picks=4, n_p_and_s_picks=4,
        min_node_size_location=0.2, n_threads=1,
    )
    found, assigned = associator.associate_gamma(picks.copy(), table.copy())
    rms = float(np.sqrt((assigned["residual"] ** 2).mean()))
    return float(found.iloc[0]["z"]), len(assigned), rms


depth_same, picks_same, rms_same = depth_pyocto(stations)
mirrored = stations.assign(**{"z(km)": -stations["z(km)"]})
depth_mirrored, picks_mirrored, rms_mirrored = depth_pyocto(mirrored)

print(f"true depth                                   {true[2]:6.2f} km")
print(f"GaMMA, its own table                         {depth_gamma:6.2f} km")
print(f"PyOcto associate_gamma, the same table       {depth_same:6.2f} km"
      f"  ({picks_same} of {len(picks)} picks, residual {rms_same:.3f} s)")
print(f"PyOcto associate_gamma, z(km) sign reversed  {depth_mirrored:6.2f} km"
      f"  ({picks_mirrored} of {len(picks)} picks, residual {rms_mirrored:.3f} s)")

as_described = (
    abs(depth_gamma - true[2]) < 0.5
    and abs(depth_mirrored - true[2]) < 1.0
    and depth_same > true[2] + 3.0
    and picks_same == len(picks)
)
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/show.py"
