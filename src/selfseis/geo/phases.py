"""Phase names: from the spellings of bulletins to the few kinds of ray that are distinguished."""

from __future__ import annotations

import re
from typing import Literal

Wave = Literal["P", "S"]
KNOWN = ("P", "Pn", "Pg", "PcP", "S", "Sn", "Sg", "ScS")
"""*P* and *S*: the first arrival; *n*: of the mantle; *g*: of the crust; *c*: reflected by the core."""
_DIRECT = {
    "P": "P", "PN": "Pn", "PG": "Pg", "PB": "Pg", "P*": "Pg", "P1": "P", "PDIF": "", "PDIFF": "",
    "S": "S", "SN": "Sn", "SG": "Sg", "SB": "Sg", "S*": "Sg", "S1": "S", "SDIF": "", "SDIFF": "",
}  # fmt: skip
_ONSET = re.compile(r"^[ieIEqQ]?(?=[PSps])")
_POLARITY = re.compile(r"[\s?()+\-_'\"/0]+")


def canonical(name: object) -> str:
    """Return one of `KNOWN`, or an empty text for a phase that is not used.

    Letters of onset (``iP``, ``eSg``), brackets, question marks and signs of polarity are dropped; ``P*`` and
    ``Pb`` are crustal, as ``Pg`` is; a lower-case ``p`` is the same ray leaving upwards.

    Parameters
    ----------
    name : object
        Name as in the file.
    """
    text = _POLARITY.sub("", "" if name is None else str(name))
    text = _ONSET.sub("", text)
    if text in {"PcP", "ScS"}:
        return text
    if text in {"p", "s"}:
        return text.upper()
    if text[:1] in {"p", "s"}:  # pP, sP and their like have two legs near the source
        return ""
    return _DIRECT.get(text.upper(), "")


def wave_of(phase: str) -> Wave:
    """Return the wave type, P or S, of a canonical phase."""
    return "S" if phase.startswith("S") else "P"
