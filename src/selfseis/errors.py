"""The one error that selfseis raises when what it was given cannot be used."""

from __future__ import annotations


class InputError(ValueError):
    """The input as a whole cannot be used: the message is one line that says why and what to do."""


def one_line(error: BaseException) -> str:
    """Say what went wrong in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
