"""Velocity models from files."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.errors import InputError
from selfseis.geo.earth_models import VelocityModel1D


@pytest.mark.parametrize(
    ("name", "text", "depth", "vs"),
    [
        ("a.csv", "depth_km,vp,vs\n0,4,2\n10,6,3.5\n", [0, 10], [2, 3.5]),
        ("b.txt", "Depth,Vp,Vs\n-3.0,1.5,0.843\n1.0,4.0,2.247\n", [-3, 1], [0.843, 2.247]),
        ("c.csv", "depth_km,vp\n0,6\n", [0], [6 / 3**0.5]),
        ("d.txt", "# depth vp vs\n0 4.0 2.0\n5 6.0 3.4\n", [0, 5], [2.0, 3.4]),
        (
            "e.tvel",
            "title\ntitle\n0 5.8 3.36 2.7\n2891 13.7 7.3 5.6\n2891 8.0 0.0 9.9\n",
            [0, 2891],
            [3.36, 7.3],
        ),
    ],
)
def test_models_are_read_from_files(tmp_path, name, text, depth, vs) -> None:
    (tmp_path / name).write_text(text)
    model = VelocityModel1D.from_file(tmp_path / name)
    assert np.allclose(model.depth_km, depth) and np.allclose(model.vs, vs)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("colour,size\nred,1\n", "give the columns"),
        ("depth_km,vp,vs\n0,six,3\n", "not a number"),
        ("depth_km,vp,vs\n0,5000,3000\n", "km/s"),
        ("depth_km,vp,vs\n5,5,3\n0,4,2\n", "ascending"),
        ("depth_km,vp,vs\n0,3,3.5\n", "vp > vs"),
    ],
)
def test_an_invalid_model_is_an_error_of_one_line(tmp_path, text, words) -> None:
    (tmp_path / "model.csv").write_text(text)
    with pytest.raises(InputError, match=words) as refused:
        VelocityModel1D.from_file(tmp_path / "model.csv")
    assert "\n" not in str(refused.value)


LAYERS = ((0.0, 4.0), (2.0, 5.5), (10.0, 6.2))
THICK = ((2, 4.0), (8, 5.5), (0, 6.2))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tops.csv", "top_km,vp,vs\n" + "".join(f"{d},{v},{v / 1.75}\n" for d, v in LAYERS)),
        ("thick.csv", "thickness_km;vp;vs\n" + "".join(f"{t};{v};{v / 1.75}\n" for t, v in THICK)),
        ("nll.in", "CONTROL 1\n" + "".join(f"LAYER {d} {v} 0.0 {v / 1.75} 0.0 2.7 0.0\n" for d, v in LAYERS)),
        ("comma.csv", "top_km;vp;vs\n" + "".join(f"{d};{v};{v / 1.75}\n" for d, v in LAYERS).replace(".", ",")),
    ],
)  # fmt: skip
def test_layers_of_constant_velocity_are_one_model_in_any_format(tmp_path, name, text) -> None:
    (tmp_path / name).write_text(text)
    model = VelocityModel1D.from_file(tmp_path / name)
    assert model.at([0.5, 1.99, 3.0, 9.9, 50.0], "P").tolist() == [4.0, 4.0, 5.5, 5.5, 6.2]
    assert np.allclose(model.vp / model.vs, 1.75) and "linear" not in model.source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("depth,vp,vs\n0,4,2.3\n2000,5.5,3.1\n", "metres"),
        ("4.0 0.0\n5.5 2.0\n6.2 10.0\n", "first column"),
        ("2 4.0 2.3\n8 5.5 3.1\n", "first column"),
        ("depth_km,vp,vs\n0,1.5,0\n3.5,4.0,2.3\n", "water"),
        ("depth_km,vp,vs\n0,4.0,2.3\n-10,6.2,3.5\n", "ascending"),
        ("depth_km,vp,vs\n0,4.0,nan\n", "finite"),
        ("top_km,depth_km,vp\n0,0,4.0\n", "cannot be understood"),
    ],
)
def test_a_model_in_doubt_is_refused(tmp_path, text, words) -> None:
    (tmp_path / "model.txt").write_text(text)
    with pytest.raises(InputError, match=words):
        VelocityModel1D.from_file(tmp_path / "model.txt")


def test_the_meaning_of_depths_is_stated(tmp_path) -> None:
    (tmp_path / "points.csv").write_text("depth_m,vp,vs\n0,4.0,2.3\n2000,5.5,3.1\n")
    model = VelocityModel1D.from_file(tmp_path / "points.csv")
    assert model.at(1.0, "P") == pytest.approx(4.75) and "linear between its depths" in model.source


def test_the_icelandic_model_is_read(shared_data) -> None:
    model = VelocityModel1D.from_file(shared_data / "stations" / "iceland_vt" / "iceland_vmodel.txt")
    assert model.at(-1.0, "P") == pytest.approx(2.75) and model.vp_vs == pytest.approx(1.78, abs=0.01)
