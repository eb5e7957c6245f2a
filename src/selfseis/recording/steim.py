"""Steim compression: the differences of many records at once, and the samples they add up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from selfseis.typing import BoolArray, IntArray

FRAME_WORDS = 16
FRAME_BYTES = 4 * FRAME_WORDS
# How a word is packed: by its two-bit code and, in Steim 2, its two highest bits: differences per word, bits of each.
_STEIM1 = {(1, any_): (4, 8) for any_ in range(4)} | {(2, any_): (2, 16) for any_ in range(4)}
_STEIM1 |= {(3, any_): (1, 32) for any_ in range(4)}
_STEIM2 = {(1, any_): (4, 8) for any_ in range(4)}
_STEIM2 |= {(2, 1): (1, 30), (2, 2): (2, 15), (2, 3): (3, 10), (3, 0): (5, 6), (3, 1): (6, 5), (3, 2): (7, 4)}
_PACKING = {10: _STEIM1, 11: _STEIM2}  # by the number of the encoding in SEED
STEIM_ENCODINGS = tuple(_PACKING)


@dataclass(frozen=True)
class SteimRecords:
    """Decoded records, one after the other.

    Attributes
    ----------
    samples : ndarray of int32, shape (n_samples,)
        Samples of all records; zeros for a record that is not whole.
    whole : ndarray of bool, shape (n_records,)
        Whether a record holds a difference for each of its samples, in valid words.
    stated_last : ndarray of int, shape (n_records,)
        The last sample as the first frame states it, for comparison.
    first_difference : ndarray of int, shape (n_records,)
        First sample minus the last one of the previous record, as most writers state it.
    """

    samples: npt.NDArray[np.int32]
    whole: BoolArray
    stated_last: IntArray
    first_difference: IntArray


def decode_steim(
    frames: npt.NDArray[np.uint8], n_samples: IntArray, encoding: int, *, little_endian: bool = False
) -> SteimRecords:
    """Decode records of Steim 1 or Steim 2.

    Parameters
    ----------
    frames : ndarray of uint8, shape (n_records, 64 * n_frames)
        The frames of each record; shorter records end in zeros.
    n_samples : ndarray of int, shape (n_records,)
        Number of samples of each record.
    encoding : int
        10 for Steim 1, 11 for Steim 2.
    little_endian : bool
        Byte order of the words.

    Returns
    -------
    SteimRecords

    Examples
    --------
    >>> import numpy as np
    >>> frame = np.zeros(16, ">u4")
    >>> frame[:4] = 1 << 24, 5, 8, 0x00010101  # word 3 holds four differences of 8 bits: 0, 1, 1, 1
    >>> decode_steim(frame.view(np.uint8)[None], np.array([4]), 10).samples
    array([5, 6, 7, 8], dtype=int32)
    """
    n_records = len(frames)
    words = np.ascontiguousarray(frames).view("<u4" if little_endian else ">u4").astype(np.uint32)
    words = words.reshape(n_records, -1, FRAME_WORDS)
    first, last = words[:, 0, 1].astype(np.int32), words[:, 0, 2].astype(np.int64)
    shifts = np.arange(30, -1, -2, dtype=np.uint32)
    codes = ((words[:, :, :1] >> shifts) & 3).astype(np.uint8)
    codes[:, :, 0] = 0
    codes[:, 0, 1:3] = 0  # the first and the last sample
    differences, counts, invalid = _unpack(words, codes, encoding, little_endian)
    whole = (counts >= n_samples) & ~invalid & (n_samples > 0)
    begins = np.cumsum(counts) - counts
    chosen = np.where(whole, n_samples, 0)
    offsets = np.cumsum(chosen) - chosen
    picked = np.repeat(begins - offsets, chosen) + np.arange(int(chosen.sum()))
    kept = differences[picked]
    first_difference = np.zeros(n_records, dtype=np.int64)
    first_difference[whole] = kept[offsets[whole]]
    total = np.cumsum(kept)
    base = np.zeros(n_records, dtype=np.int64)
    base[whole] = first[whole] - total[offsets[whole]]
    values = (total + np.repeat(base, chosen)).astype(np.int32)  # sums wrap round, as those of the writer did
    samples = np.zeros(int(n_samples.sum()), dtype=np.int32)
    samples[np.repeat(whole, n_samples)] = values
    return SteimRecords(samples, whole, last.astype(np.int32).astype(np.int64), first_difference)


def _unpack(
    words: npt.NDArray[np.uint32], codes: npt.NDArray[np.uint8], encoding: int, little_endian: bool
) -> tuple[IntArray, IntArray, BoolArray]:
    """Return all differences in order, their number in each record, and which records hold an invalid word."""
    n_records = len(words)
    flat = words.ravel()
    kinds = (codes * np.uint8(4)).ravel() + (flat >> np.uint32(30)).astype(np.uint8)
    per_word, bits = np.zeros(16, dtype=np.int64), np.zeros(16, dtype=np.int64)
    for (code, top), (number, width) in _PACKING[encoding].items():
        per_word[4 * code + top], bits[4 * code + top] = number, width
    counts = per_word[kinds]
    invalid = ((counts == 0) & (codes.ravel() > 0)).reshape(n_records, -1).any(axis=1)
    begins = np.cumsum(counts) - counts
    differences = np.empty(int(counts.sum()), dtype=np.int64)
    for number, width in sorted(set(_PACKING[encoding].values())):
        chosen = np.flatnonzero((counts == number) & (bits[kinds] == width))
        packed = flat[chosen]
        in_bytes = width in (8, 16)  # differences of whole bytes keep their order, whatever that of the bytes
        for k in range(number):
            above = np.uint32(32 - width * (number - k))
            value = (packed << above).view(np.int32) >> np.int32(32 - width)
            at = number - 1 - k if in_bytes and little_endian else k
            differences[begins[chosen] + at] = value
    return differences, counts.reshape(n_records, -1).sum(axis=1), invalid
