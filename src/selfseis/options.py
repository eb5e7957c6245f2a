"""Settings of the tasks: frozen dataclasses whose fields state their unit and source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, NamedTuple, Self

from selfseis.errors import InputError


class OptionRow(NamedTuple):
    """One option as a row of a table.

    Attributes
    ----------
    name : str
        Name, with the groups that hold it: ``"calibration.n_injections"``.
    default : object
        Default value.
    unit : str
        Unit of the value.
    source : str
        Where the default comes from.
    """

    name: str
    default: Any
    unit: str
    source: str


def option(default: Any, unit: str, source: str) -> Any:
    """Return a field of an `Options` class.

    Parameters
    ----------
    default : bool, int, float, str or tuple of these
        Default value.
    unit : str
        Unit of the value, such as ``"s"``, ``"samples"`` or ``"share"``.
    source : str
        Where the default comes from: a paper, a benchmark, or the data it was chosen on.
    """
    return field(default=default, metadata={"unit": unit, "source": source})


def option_group(kind: type[Options]) -> Any:
    """Return a field that holds a group of options."""
    return field(default_factory=kind)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of the options of a task; a subclass is a frozen dataclass of `option` and `option_group` fields.

    Raises
    ------
    InputError
        If a value is of another type than the default, or not finite.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from selfseis.options import Options, option
    >>> @dataclass(frozen=True, kw_only=True)
    ... class TrainingOptions(Options):
    ...     n_steps: int = option(700, "steps", "benchmarks/picking.py")
    >>> TrainingOptions(n_steps=8).to_dict()
    {'n_steps': 8}
    """

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.metadata:
                value = _of_type(item.default, getattr(self, item.name), item.name)
                object.__setattr__(self, item.name, value)

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with some options changed; a group takes a dict of its own changes.

        Raises
        ------
        InputError
            If an option does not exist, or a value is of another type than the default.
        """
        known = {item.name for item in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise InputError(f"unknown options: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        values = {}
        for name, value in changes.items():
            group = getattr(self, name)
            values[name] = (
                group.with_options(**value)
                if isinstance(group, Options) and isinstance(value, Mapping)
                else value
            )
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return all options as plain values, groups as dicts."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the options of a dict as `to_dict` gives it; missing options keep their defaults.

        Raises
        ------
        InputError
            If an option does not exist, or a value is of another type than the default.
        """
        return cls().with_options(**values)

    @classmethod
    def rows(cls, prefix: str = "") -> Iterator[OptionRow]:
        """Yield name, default, unit and source of each option."""
        for item in fields(cls):
            if item.metadata:
                yield OptionRow(
                    prefix + item.name, item.default, item.metadata["unit"], item.metadata["source"]
                )
            elif isinstance(item.default_factory, type) and is_dataclass(item.default_factory):
                yield from item.default_factory.rows(f"{prefix}{item.name}.")


def _of_type(default: Any, value: Any, name: str) -> Any:
    """Return a value in the type of the default."""
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        pattern = default[0] if default else 0.0
        return tuple(_of_type(pattern, item, name) for item in value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if default is not None and type(value) is not type(default):
        raise InputError(f"option {name} must be {type(default).__name__}, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"option {name} must be a finite number, got {value!r}")
    return value
