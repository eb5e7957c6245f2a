"""Base class of the estimators, with scikit-learn's interface to the constructor's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any, Self

from selfseis.options import Options


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

    def plain_params(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain values for a file: options become dicts.

        A nested estimator is left out, so that its argument gets the default when it is read.
        """
        params = {
            name: value for name, value in self.get_params().items() if not isinstance(value, Estimator)
        }
        return {
            name: value.to_dict() if isinstance(value, Options) else value for name, value in params.items()
        }

    @classmethod
    def from_plain_params(cls, values: Mapping[str, Any]) -> Self:
        """Return an unfitted estimator with the arguments of `plain_params`; missing ones keep their defaults.

        Lists become tuples, because JSON has no tuples.

        Raises
        ------
        TypeError
            If an argument does not exist.
        InputError
            If an option does not exist, or is of another type than its default.
        """
        known = signature(cls).parameters
        params = {}
        for name, value in values.items():
            default = known[name].default if name in known else None
            if isinstance(default, Options):
                value = type(default).from_dict(value)
            params[name] = tuple(value) if isinstance(value, list) else value
        return cls(**params)
