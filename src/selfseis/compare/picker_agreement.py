"""Agreement of pickers with each other, a sign of their quality that needs no labels.

The candidates of all pickers that lie close in time are one *joint onset*. If pickers err independently of each other,
two of them agree mostly on true onsets, so the agreement of a picker with the others rises with its accuracy (Parisi et
al., 2014, doi:10.1073/pnas.1219097111). Pickers of one origin err together, and seem better than they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfseis.typing import FloatArray, IndexArray


@dataclass(frozen=True, eq=False)
class JointOnsets:
    """Onsets of one phase that at least one picker found.

    Attributes
    ----------
    piece : ndarray of int, shape (n_onsets,)
        Number of the piece of each.
    at : ndarray, shape (n_onsets,)
        Median position of its candidates, in samples after the first one of the piece.
    height : ndarray, shape (n_pickers, n_onsets)
        Height of each picker's candidate; zero where it has none.
    """

    piece: IndexArray
    at: FloatArray
    height: FloatArray

    @classmethod
    def of(cls, onsets: Sequence[Sequence[FloatArray]], within: float) -> JointOnsets:
        """Join the candidates of pickers.

        Parameters
        ----------
        onsets : sequence of sequence of ndarray, shape (n_candidates, 2)
            For each picker and piece: position in samples, ascending, and height.
        within : float
            Maximum distance in samples between the candidates of one joint onset and its highest-ranked one.
        """
        ranked = [_with_ranks(of_picker) for of_picker in onsets]
        pieces, positions, heights = [], [], []
        for piece in range(len(onsets[0])):
            for at, height in _joined([of_picker[piece] for of_picker in ranked], within):
                pieces.append(piece)
                positions.append(at)
                heights.append(height)
        height = np.array(heights, float).reshape(-1, len(onsets)).T
        return cls(np.array(pieces, np.intp), np.array(positions, float), height)


def _with_ranks(onsets: Sequence[FloatArray]) -> list[FloatArray]:
    """Add the rank of each candidate among all of a picker, from 0 to 1, as third column."""
    heights = np.concatenate([np.zeros(0), *(at[:, 1] for at in onsets)])
    rank = (np.argsort(np.argsort(heights, kind="stable"), kind="stable") + 1) / max(len(heights), 1)
    ends = np.cumsum([len(at) for at in onsets])[:-1]
    return [
        np.column_stack([at, of_piece]) for at, of_piece in zip(onsets, np.split(rank, ends), strict=True)
    ]


def _joined(onsets: list[FloatArray], within: float) -> list[tuple[float, FloatArray]]:
    """Join the candidates of one piece, around the highest-ranked ones first."""
    table = np.concatenate(
        [np.column_stack([at, np.full(len(at), number)]) for number, at in enumerate(onsets)]
    )
    table = table[np.argsort(table[:, 0], kind="stable")]
    at, height, rank, picker = table.T
    free = np.ones(len(table), bool)
    found = []
    for centre in np.argsort(-rank, kind="stable"):
        if not free[centre]:
            continue
        first, last = np.searchsorted(at, [at[centre] - within, at[centre] + within + 1e-9])
        near = np.arange(first, last)[free[first:last]]
        of_pickers = np.zeros(len(onsets))
        members = []
        for number in np.unique(picker[near]).astype(int):
            of_picker = near[picker[near] == number]
            best = of_picker[np.argmin(np.abs(at[of_picker] - at[centre]))]
            of_pickers[number] = height[best]
            members.append(best)
        free[members] = False
        found.append((float(np.median(at[members])), of_pickers))
    return found
