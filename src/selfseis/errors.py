"""The error for unusable input."""

from __future__ import annotations


class InputError(ValueError):
    """The input as a whole cannot be used; the message is one line with the reason and the remedy.

    Examples
    --------
    >>> from selfseis import InputError, open_recording
    >>> try:
    ...     open_recording("nowhere.mseed")
    ... except InputError as error:
    ...     print(str(error).partition(":")[0])
    nowhere.mseed does not exist
    """


def one_line(error: BaseException) -> str:
    """Return the message of an error in one line of at most 160 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
