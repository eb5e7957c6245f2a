"""Card of a saved model: training data, verdict, thresholds, null results, versions and changed options."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from selfseis.base import Estimator
from selfseis.catalogue.records import PHASES, format_utc
from selfseis.detect import Detector
from selfseis.explore import Explorer
from selfseis.models.store import TENSORS, VERSIONS, describe
from selfseis.options import Options
from selfseis.pick.picker import INJECTION_TEST, Picker
from selfseis.pick.stored_network import network_name
from selfseis.training import TrainingRecord
from selfseis.validation import Verdict
from selfseis.workflow.calibrate import RATES, arguments_of, asked_of
from selfseis.workflow.load_model import load_model

SECONDS_PER_HOUR = 3600
NOT_RECORDED = "not recorded"
MAX_CHANNELS = 20  # named on a card


def card_of(folder: str | Path) -> dict[str, Any]:
    """Return the card of a saved model as plain values.

    Parameters
    ----------
    folder : str or Path
        Folder of a denoiser, detector, picker or explorer.

    Returns
    -------
    dict
        Keys ``kind``, ``sha256`` of the weights, ``versions``, ``parameters``, ``changed`` (parameters and options that
        differ from their defaults), ``training``, ``verdict``, and one with the name of the kind.

    Raises
    ------
    InputError
        If the folder holds no model, or a damaged one.

    Examples
    --------
    >>> import tempfile
    >>> from selfseis import Denoiser, simulate
    >>> from selfseis.workflow.card import card_of
    >>> recording = simulate.simulate_noise_recording("white", "fibre", 1 / 60, 50.0, 24, seed=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Denoiser("ridge", seed=4).fit(recording).save(folder)
    ...     card = card_of(folder)
    >>> card["kind"], card["changed"], card["verdict"]["verdict"]
    ('denoiser', {'seed': 4}, 'no_gain')
    """
    place = Path(folder)
    model = load_model(place)
    stored = describe(place)
    kind = type(model).model_format.kind
    return {
        "kind": kind,
        "sha256": hashlib.sha256((place / TENSORS).read_bytes()).hexdigest(),
        "versions": stored.get(VERSIONS) or NOT_RECORDED,
        "parameters": {k: v for k, v in model.plain_params().items() if k != "options"},
        "changed": dict(_changed(model)),
        "training": _training(getattr(model, "training_record_", None)),
        "verdict": _verdict(model).to_dict(),
        kind: _details(model),
    }


def _verdict(model: Estimator) -> Verdict:
    verdict = getattr(model, "verdict_")  # noqa: B009 - each kind of model has one
    assert isinstance(verdict, Verdict)
    return verdict


def _changed(model: Estimator) -> Iterator[tuple[str, Any]]:
    """Yield the parameters and options that differ from their defaults."""
    defaults = {name: parameter.default for name, parameter in signature(type(model)).parameters.items()}
    for name, value in model.get_params().items():
        if isinstance(value, Options):
            yield from _changed_options(value.to_dict(), type(value)().to_dict(), f"{name}.")
        elif value != defaults[name] and not isinstance(value, Estimator):
            yield name, value


def _changed_options(
    values: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _changed_options(value, defaults[name], f"{prefix}{name}.")
        elif value != defaults[name]:
            yield prefix + name, value


def _training(record: TrainingRecord | None) -> dict[str, Any] | str:
    """Return the span, the length and the channels of the training data."""
    if record is None:
        return NOT_RECORDED
    if not record.pieces:
        return "none: the model was not trained on a recording"
    begin, end = (np.array([times[n] for times in record.pieces], np.int64) for n in (1, 2))
    channels = sorted({piece.channel for piece in record.pieces})
    return {
        "start": format_utc(np.datetime64(int(begin.min()), "ns"), "ms"),
        "end": format_utc(np.datetime64(int(end.max()), "ns"), "ms"),
        "hours": round(float((end - begin).sum()) / 1e9 / SECONDS_PER_HOUR, 4),
        "channels": channels[:MAX_CHANNELS],
        "n_channels_with_checksums": len(channels),
    }


def _details(model: Estimator) -> dict[str, Any]:
    """Return what only models of one kind have."""
    if isinstance(model, Picker):
        return _of_picker(model)
    if isinstance(model, Detector):
        return {
            "threshold": model.threshold_,
            "false_alarms_per_day": model.false_alarms_per_day,
            "surrogate_days": model.false_alarm_rate_.days,
        }
    if isinstance(model, Explorer):
        stability = {str(name): value for name, value in model.class_stability_.items()}
        return {"n_windows": model.n_windows_, "class_stability": stability}
    channels = list(getattr(model, "channels_", []))
    return {
        "n_channels": len(channels),
        "channels": channels[:MAX_CHANNELS],
        "blind_zone": getattr(model, "blind_zone_", None),
        "has_network": getattr(model, "net_", None) is not None,
    }


def _of_picker(picker: Picker) -> dict[str, Any]:
    known, adaptation = picker.false_discovery_, getattr(picker.model_, "adaptation", None)
    return {
        "network": network_name(picker.net_),
        "sampling_rate_hz": picker.rate_,
        "window_samples": picker.window_,
        "operating_point": asked_of(picker),
        "thresholds": dict(picker.threshold_),
        "arguments": arguments_of(picker.threshold_),
        "threshold_by_false_discovery_rate": {
            phase: {f"{rate:g}": known.phases[phase].threshold(rate) for rate in RATES} for phase in PHASES
        },
        "station_days_of_calibration": known.days,
        "picks_forwards_and_reversed": {
            phase: [len(known.phases[phase].targets), len(known.phases[phase].decoys)] for phase in PHASES
        },
        "injection_test": picker.verdict_.details.get(INJECTION_TEST) or NOT_RECORDED,
        "training_sites": picker.training_sites_,
        "rounds": [round_.to_dict() for round_ in picker.rounds_],
        "adaptation": None if adaptation is None else adaptation.to_dict(),
    }


def markdown_of(card: Mapping[str, Any]) -> str:
    """Return a card as Markdown.

    Parameters
    ----------
    card : dict
        From `card_of`.
    """
    verdict = Verdict.from_dict(dict(card["verdict"]))
    kind = str(card["kind"])
    parts = [f"# Model card: {kind}", f"**{verdict}**"]
    parts += ["## Training data", _list(card["training"])]
    parts += ["## Verdict", _list(_estimates(verdict))]
    parts += [f"## {kind.capitalize()}", _list(card[kind])]
    parts += ["## Parameters", _list(card["parameters"])]
    parts += ["## Changed from the defaults", _list(card["changed"] or "nothing")]
    parts += ["## Versions", _list(card["versions"]), f"SHA-256 of the weights: `{card['sha256']}`"]
    return "\n\n".join(parts) + "\n"


def _estimates(verdict: Verdict) -> dict[str, str]:
    """Return the numbers of a verdict in words."""
    if verdict.skill is None:
        return {"numbers": "not measured"}
    rows = {
        "measure": verdict.measure,
        "skill": verdict.skill,
        f"baseline ({verdict.baseline_name})": verdict.baseline,
        f"null ({verdict.null_name})": verdict.null,
        "gain over the baseline": verdict.gain,
        "held-out blocks": verdict.n_blocks,
    }
    return {name: "not measured" if value is None else str(value) for name, value in rows.items()}


def _list(content: Any) -> str:
    """Return values as a list in Markdown; groups are indented."""
    if not isinstance(content, Mapping):
        return f"- {_plain(content)}"
    return "\n".join(_lines(content, ""))


def _lines(content: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in content.items():
        label = str(name).replace("_", " ")
        if isinstance(value, Mapping) and value:
            yield f"{indent}- {label}:"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{indent}- {label}:"
            yield from (f"{indent}  - {_plain(row)}" for row in value)
        else:
            yield f"{indent}- {label}: {_plain(value)}"


def _plain(value: Any) -> str:
    """Return a value in words."""
    if value is None or value in ({}, []):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{str(name).replace('_', ' ')} {_plain(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else "none"
    return str(value)
