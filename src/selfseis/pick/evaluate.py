"""Evaluation of a picker: the share of its picks that another station confirms, at held-out times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from selfseis.consensus.agreement import Consensus
from selfseis.consensus.ps_pairs import Moveout
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.options import PickerOptions
from selfseis.pick.pseudo_labels import consensus_of
from selfseis.pick.time_split import Spans
from selfseis.typing import FloatArray
from selfseis.validation import BlockScores, Verdict, judge

MEASURE = "share of P picks whose event another station confirms, at held-out times"
AT_STATIONS = "share of P picks at held-out stations whose event another station confirms, at held-out times"


def in_equal_numbers(
    candidates: list[OnsetCandidates], reference: list[OnsetCandidates], spans: Spans
) -> list[OnsetCandidates]:
    """Return the highest candidates in spans, as many per station and phase as the reference has."""
    wanted = [onsets.within(spans) for onsets in reference]
    return [
        onsets.within(spans).best(len(count.p), len(count.s))
        for onsets, count in zip(candidates, wanted, strict=True)
    ]


def counted_stations(
    held_out: Sequence[int], reference: list[OnsetCandidates], spans: Spans
) -> list[int] | None:
    """Return the held-out stations where the reference has P in spans; None, for all stations, if there are none."""
    return [number for number in held_out if len(reference[number].within(spans).p)] or None


def confirmed(
    candidates: list[OnsetCandidates],
    rate: float,
    s_minus_p: tuple[float, float],
    moveout: Moveout,
    spans: Spans,
    options: PickerOptions,
    counted: Sequence[int] | None = None,
) -> Consensus:
    """Return the consensus of candidates of any height; only the stations in `counted` contribute to the counts."""
    return consensus_of(
        candidates,
        rate,
        s_minus_p,
        moveout,
        spans,
        options.consensus,
        min_height=0.0,
        shifts=options.evaluation.n_shifts,
        counted=counted,
    )


def evaluate_picker(
    candidates: dict[str, list[OnsetCandidates]],
    rate: float,
    s_minus_p: tuple[float, float],
    moveout: Moveout,
    spans: Spans,
    details: dict[str, Any],
    held_out: Sequence[int] = (),
    options: PickerOptions = PickerOptions(),
) -> Verdict:
    """Compare a picker with its baselines and with the null, at equal numbers of picks.

    Parameters
    ----------
    candidates : dict of str to list of OnsetCandidates
        Onset candidates of each station, by method. The first method is the picker, the others are its baselines;
        the best baseline enters the verdict.
    rate : float
        Sampling rate in Hz.
    s_minus_p : tuple of float
        Minimum and maximum S - P in s.
    moveout : Moveout
        Limits of the moveout of one event.
    spans : list of (int, int)
        Test times, in samples.
    details : dict
        Further numbers for the details of the verdict.
    held_out : sequence of int
        Stations without training data. If they have picks, only their picks are scored.
    options : PickerOptions
        Settings of the consensus and of its null.
    """
    name, *baselines = candidates
    reference = candidates[name]
    counted = counted_stations(held_out, reference, spans)
    scores, events, null = {}, {}, None
    for label, onsets in candidates.items():
        equal = in_equal_numbers(onsets, reference, spans)
        consensus = confirmed(equal, rate, s_minus_p, moveout, spans, options, counted)
        scores[label] = confirmation_scores(equal, consensus, rate, spans)
        events[label] = {"number": len(consensus.events), "under_null": round(consensus.null_mean, 2)}
        if label == name:
            null = _under_null(scores[label], consensus)
    assert null is not None
    best = max(baselines, key=lambda label: scores[label].skill)
    return judge(
        "pick",
        scores[name],
        scores[best],
        null,
        baseline_name=best,
        null_name="stations shifted in time against each other",
        measure=AT_STATIONS if counted else MEASURE,
        details=details | {"consensus_events": events},
    )


def confirmation_scores(
    candidates: list[OnsetCandidates], consensus: Consensus, rate: float, spans: Spans
) -> BlockScores:
    """Return for each span the P picks of the counted stations, and those whose event no other station confirms."""
    edges = np.array(spans, float)
    counts = [consensus.counted is None or number in consensus.counted for number in range(len(candidates))]
    picks = np.concatenate([onsets.p[:, 0] for onsets, here in zip(candidates, counts, strict=True) if here])
    shared = np.array([onset.p_time * rate for onset in consensus.onsets])
    power = _counted(picks, edges)
    return BlockScores(power - np.minimum(_counted(shared, edges), power), power)


def _counted(at: FloatArray, edges: FloatArray) -> FloatArray:
    at = np.sort(at)
    return (np.searchsorted(at, edges[:, 1]) - np.searchsorted(at, edges[:, 0])).astype(float)


def _under_null(scores: BlockScores, consensus: Consensus) -> BlockScores:
    """Distribute the confirmations under the null over the blocks, in proportion to their picks."""
    share = min(consensus.null_onsets / max(scores.power.sum(), 1.0), 1.0)
    return BlockScores(scores.power * (1 - share), scores.power)
