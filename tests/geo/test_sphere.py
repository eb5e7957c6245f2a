"""Spherical geometry and reference earths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.errors import InputError
from selfseis.geo.earth_models import CORE_KM, read_reference
from selfseis.geo.sphere import (
    EARTH_RADIUS_KM,
    KM_PER_DEGREE,
    angles_between,
    geocentric,
    geographic,
    unit_vectors,
)


@given(latitude=st.floats(-89.9, 89.9))
def test_latitudes_there_and_back(latitude: float) -> None:
    assert abs(float(geographic(geocentric(latitude))) - latitude) < 1e-9


def test_unknown_reference_is_refused() -> None:
    with pytest.raises(InputError, match="there is no reference ak999"):
        read_reference("ak999")


@pytest.mark.parametrize("name", ["ak135", "prem", "iasp91"])
def test_a_reference_is_solid_from_the_surface_to_the_core(name: str) -> None:
    reference = read_reference(name)
    assert reference.source == name
    assert reference.depth_km[0] == 0
    assert reference.floor_km == pytest.approx(EARTH_RADIUS_KM - CORE_KM, abs=3)
    assert reference.vs.min() > 3
    assert 20 < reference.moho_km < 40


def test_a_degree_along_the_equator() -> None:
    here, there = unit_vectors([0.0, 0.0], [10.0, 11.0])
    distance = EARTH_RADIUS_KM * angles_between(here[None], there[None])
    np.testing.assert_allclose(distance, KM_PER_DEGREE, rtol=1e-6)
