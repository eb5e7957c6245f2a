"""Seeded damage of files: bytes changed, lines lost, doubled or cut, words such as nan put in."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from selfseis.errors import InputError

WORDS = (b"nan", b"inf", b"1e400", b"-9999", b"1e308", b"null", b"9" * 20)
SIGNS = b'0123456789-+.eE,; \nnaif"#%'
Reading = Callable[[Path], tuple[np.ndarray, object]]
"""Reads a file; returns its numbers, and the quality log or notes."""


def mutated(content: bytes, seed: int) -> bytes:
    """Return content with one to three kinds of damage."""
    rng = random.Random(seed)
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place, kind = rng.randrange(max(len(data), 1)), rng.randrange(7)
        lines = bytes(data).split(b"\n")
        if kind == 0:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            data[place:place] = bytes([rng.choice(SIGNS)])
        elif kind == 2:
            del data[place : place + rng.choice((1, 1, 2, 5, 40))]
        elif kind == 3:
            del data[place:]
        elif kind == 4:
            data[place:place] = rng.choice(WORDS)
        elif kind == 5:
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            data = bytearray(b"\n".join(lines))
        else:
            del lines[rng.randrange(len(lines))]
            data = bytearray(b"\n".join(lines))
    return bytes(data)


def outcomes(path: Path, read: Reading, seeds: range) -> Counter[str]:
    """Read damaged copies of a file; count those that are refused, logged, equal, or changed without an entry.

    Any error but `InputError` goes through, and so do numbers that are not finite.
    """
    content = path.read_bytes()
    numbers, log = read(path)
    found: Counter[str] = Counter()
    damaged = path.with_name(f"damaged{path.suffix}")
    for seed in seeds:
        damaged.write_bytes(mutated(content, seed))
        try:
            new_numbers, new_log = read(damaged)
        except InputError as error:
            assert "\n" not in str(error)
            found["refused"] += 1
            continue
        assert np.isfinite(new_numbers).all(), f"seed {seed}: numbers that are not finite"
        same = new_numbers.shape == numbers.shape and np.allclose(new_numbers, numbers, rtol=1e-9)
        found["equal" if same else "logged" if new_log != log else "changed"] += 1
    return found
