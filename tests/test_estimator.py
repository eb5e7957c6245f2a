"""The base of all estimators: arguments are read, set and copied, and a wrong name changes nothing."""

from __future__ import annotations

import pytest
from sklearn.base import clone

from selfseis import Denoiser, Detector, Explorer, Picker
from selfseis.base import Estimator


class Fitted(Estimator):
    def __init__(self, depth: float, *, seed: int = 0) -> None:
        self.depth = depth
        self.seed = seed

    def fit(self) -> Fitted:
        self.found_ = self.depth
        return self


def test_arguments_are_those_of_the_constructor_and_not_what_was_fitted() -> None:
    assert Fitted(3.0).fit().get_params() == {"depth": 3.0, "seed": 0}


def test_a_clone_has_the_arguments_and_nothing_fitted() -> None:
    copy = clone(Fitted(3.0, seed=2).fit())
    assert vars(copy) == {"depth": 3.0, "seed": 2}


def test_arguments_are_set_in_place() -> None:
    estimator = Fitted(3.0)
    assert estimator.set_params(depth=5.0, seed=1) is estimator
    assert estimator.get_params() == {"depth": 5.0, "seed": 1}


def test_a_wrong_name_is_named_and_nothing_is_set() -> None:
    estimator = Fitted(3.0)
    with pytest.raises(ValueError, match=r"unknown parameters: colour, width; Fitted has depth, seed"):
        estimator.set_params(seed=1, width=2, colour=3)
    assert estimator.seed == 0


@pytest.mark.parametrize("kind", [Denoiser, Detector, Explorer, Picker])
def test_every_task_has_one(kind: type[Estimator]) -> None:
    estimator = kind()
    assert isinstance(estimator, Estimator)
    assert vars(clone(estimator)) == estimator.get_params() == vars(estimator)
