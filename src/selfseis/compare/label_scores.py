"""Scores of picks against labels: average precision and F1 at several tolerances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfseis.compare.blocks import ComparisonBlocks
from selfseis.compare.results import LabelScores
from selfseis.simulate.onsets import REFERENCE_RATE
from selfseis.typing import BoolArray, FloatArray

TOLERANCES = (0.1, 0.5)  # s; of events at 100 Hz


def tolerances_at(rate: float) -> tuple[float, ...]:
    """Return the tolerances in s at a sampling rate: 0.1 and 0.5 s, and in proportion shorter above 100 Hz."""
    return tuple(tolerance * min(1.0, REFERENCE_RATE / rate) for tolerance in TOLERANCES)


def label_scores(
    blocks: ComparisonBlocks,
    onsets: Sequence[FloatArray],
    labels: Sequence[FloatArray],
    threshold: float,
    rate: float,
) -> LabelScores | None:
    """Compare the candidates of a picker with the labels of a phase, in the pieces that have any.

    Onsets without a label count as false picks: where labels are incomplete, precision is a lower bound.

    Parameters
    ----------
    blocks : ComparisonBlocks
        The compared data.
    onsets : sequence of ndarray, shape (n_candidates, 2)
        Candidates of each piece: position in samples, and height.
    labels : sequence of ndarray
        Labels of each station, in samples after the start of the recording.
    threshold : float
        Minimum height of a pick.
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    LabelScores or None
        None if no label lies in the compared data.
    """
    truth = [_inside(labels[piece.station] - piece.first, piece.n_samples) for piece in blocks.pieces]
    labelled = [number for number, at in enumerate(truth) if len(at)]
    if not labelled:
        return None
    some, some_truth = [onsets[n] for n in labelled], [truth[n] for n in labelled]
    tolerances = tolerances_at(rate)
    return LabelScores(
        sum(len(at) for at in some_truth),
        {t: average_precision(some, some_truth, t * rate) for t in tolerances},
        {t: f1_score(some, some_truth, threshold, t * rate) for t in tolerances},
    )


def _inside(at: FloatArray, n_samples: int) -> FloatArray:
    return np.sort(at[(at >= 0) & (at < n_samples)])


def average_precision(onsets: Sequence[FloatArray], truth: Sequence[FloatArray], within: float) -> float:
    """Return the area under precision against recall, over all heights.

    Parameters
    ----------
    onsets : sequence of ndarray, shape (n_candidates, 2)
        Candidates of each piece: position in samples, and height.
    truth : sequence of ndarray
        Positions of the labels in each piece.
    within : float
        Largest difference in samples.

    Examples
    --------
    >>> import numpy as np
    >>> from selfseis.compare.label_scores import average_precision
    >>> onsets = [np.array([[100.0, 0.9], [400.0, 0.5], [700.0, 0.1]])]
    >>> average_precision(onsets, [np.array([101.0, 702.0])], within=5)
    0.8333333333333333
    """
    heights = np.concatenate([np.zeros(0), *(at[:, 1] for at in onsets)])
    hits = np.concatenate(
        [np.zeros(0, bool), *(_hits(a, b, within) for a, b in zip(onsets, truth, strict=True))]
    )
    n_labels = sum(len(at) for at in truth)
    if not len(heights) or not n_labels:
        return 0.0
    ranked = hits[np.argsort(-heights, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float((precision * ranked).sum() / n_labels)


def f1_score(
    onsets: Sequence[FloatArray], truth: Sequence[FloatArray], threshold: float, within: float
) -> float:
    """Return the harmonic mean of precision and recall of the candidates of at least a height."""
    picks = [at[at[:, 1] >= threshold] for at in onsets]
    n_right = sum(int(_hits(a, b, within).sum()) for a, b in zip(picks, truth, strict=True))
    n_both = sum(len(at) for at in picks) + sum(len(at) for at in truth)
    return 2 * n_right / n_both if n_both else 0.0


def _hits(onsets: FloatArray, truth: FloatArray, within: float) -> BoolArray:
    """Return which candidates hit a label; the highest first, each label once."""
    hit = np.zeros(len(onsets), bool)
    free = np.ones(len(truth), bool)
    for number in np.argsort(-onsets[:, 1], kind="stable"):
        apart = np.where(free, np.abs(truth - onsets[number, 0]), np.inf)
        if len(apart) and apart.min() <= within:
            hit[number], free[apart.argmin()] = True, False
    return hit
