"""Fixtures of the tomography."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from tomography_bulletin import made_bulletin


@pytest.fixture(scope="module", autouse=True)
def small_networks() -> Iterator[None]:
    """Neural fields small enough for tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("selfseis.tomography.neural_prior.N_FREQUENCIES", 6)
        patch.setattr("selfseis.tomography.neural_prior.WIDTH", 10)
        yield


@pytest.fixture(scope="session")
def bulletin() -> pd.DataFrame:
    """Return arrivals through a fast south."""
    return made_bulletin()
