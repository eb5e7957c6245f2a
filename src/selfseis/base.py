"""Base class of the estimators, with scikit-learn's interface to the constructor's arguments."""

from __future__ import annotations

from inspect import signature
from typing import Any, Self


class Estimator:
    """Base of all estimators; the constructor of a subclass stores its arguments under their own names.

    It follows scikit-learn's convention (Buitinck et al., 2013, arXiv:1309.0238) without importing scikit-learn, so
    that `sklearn.base.clone` copies an unfitted estimator. Parameters of
    nested estimators are not reached.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments.

        Parameters
        ----------
        deep : bool
            Has no effect; scikit-learn passes it.
        """
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Set some of the constructor's arguments.

        Raises
        ------
        ValueError
            If an argument does not exist; none is set then.
        """
        known = signature(type(self)).parameters
        unknown = sorted(set(params) - set(known))
        if unknown:
            raise ValueError(
                f"unknown parameters: {', '.join(unknown)}; {type(self).__name__} has {', '.join(known)}"
            )
        for name, value in params.items():
            setattr(self, name, value)
        return self
