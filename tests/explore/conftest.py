"""Fixtures: a recording with planted signals, and an explorer fitted to it."""

from __future__ import annotations

import pytest
from explore_truth import LENGTH, RATE, KnownTruth, planted

from selfseis import Explorer


@pytest.fixture(scope="session")
def truth() -> KnownTruth:
    return planted(0)


@pytest.fixture(scope="session")
def explorer(truth: KnownTruth) -> Explorer:
    return Explorer(window=LENGTH / RATE, representation="scattering").fit(truth.recording())
