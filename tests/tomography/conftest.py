"""Fixtures of the tomography."""

from __future__ import annotations

import pandas as pd
import pytest
from tomography_bulletin import made_bulletin


@pytest.fixture(scope="session")
def bulletin() -> pd.DataFrame:
    """Return arrivals through a fast south."""
    return made_bulletin()
