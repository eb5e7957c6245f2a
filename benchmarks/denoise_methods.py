"""The methods that a benchmark of denoising sets side by side, each with what it made and what it cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import denoise_filters
from benchmarks.common import Row
from benchmarks.denoise_data import Records, Scenario, make_records
from benchmarks.denoise_filters import best_afk, best_low_rank, best_median_fk
from benchmarks.denoise_jobs import Line, jdas_is_named, run_jdas, run_ours
from benchmarks.denoise_kept import BLIND, Outcome, digest_of, kept
from benchmarks.fibre_noise import Samples

NO_FUSION = ", no fusion"  # after the names of methods whose output is the blind prediction alone
QUIET_RECORDS = 2
QUIET_SEED, OTHER_SEED = 500, 1000  # added to the seed of what is scored
JDAS_SECONDS = (40.0, 160.0)  # CPU time: about what ours takes, and four times as much
RUN_ON = (40.0, 160.0, 640.0)  # whether more would help it
AS_DOCUMENTED: dict[str, Any] = {"start": "pretrained", "learning_rate": None, "per_channel": False}
# All are tried on one set, and what the truth likes best there is used everywhere.
JDAS_SETTINGS: dict[str, dict[str, Any]] = {
    "as documented, learning rate 1e-4": AS_DOCUMENTED,
    "learning rate 1e-3": AS_DOCUMENTED | {"learning_rate": 1e-3},
    "from scratch, learning rate 5e-4": AS_DOCUMENTED | {"start": "scratch", "learning_rate": 5e-4},
    "scaled by channel": AS_DOCUMENTED | {"per_channel": True},
}
TUNED = JDAS_SETTINGS["from scratch, learning rate 5e-4"]


@dataclass(frozen=True)
class Case:
    """What a method is shown.

    Attributes
    ----------
    records : Records
        What it trains on, without the truth, and is scored on.
    quiet : ndarray, shape (QUIET_RECORDS, n_channels, n_samples)
        Noise alone, not in the training data.
    other : Records or None
        Records of the same fibre that are not in the training data.
    """

    scenario: Scenario
    seed: int
    records: Records
    quiet: Samples
    other: Records | None

    @property
    def key(self) -> str:
        """Name of a file."""
        return f"{self.scenario.label.replace(', ', '-').replace(' ', '-')}-{self.seed}"

    @property
    def line(self) -> Line:
        """What is known of the recording; the channels of incoherent noise share nothing."""
        scenario, site = self.scenario, self.scenario.site
        gauge = scenario.spacing if scenario.variant == "incoherent" else site.gauge
        return Line(site.rate, scenario.spacing, gauge, site.band)


@dataclass(frozen=True)
class Tried:
    """What a method made of the records of a case.

    Attributes
    ----------
    method : str
        Name in the tables.
    output : ndarray, shape (n_records, n_channels, n_samples)
        Of the records.
    other : ndarray or None
        Of the other records.
    facts : dict
        Cost, setting, verdict and share of quiet noise that it lets through.
    """

    method: str
    output: Samples
    facts: dict[str, Any]
    other: Samples | None = None


Method = Callable[[str, Case], list[Tried]]


def make_case(scenario: Scenario, seed: int, *, with_other: bool = False) -> Case:
    """Draw records, quiet noise and, where wanted, other records."""
    records = make_records(scenario, seed)
    n_channels, n_samples = records.truth.shape[1:]
    quiet = scenario.noise(QUIET_RECORDS * n_samples, seed + QUIET_SEED)
    by_record = quiet.reshape(n_channels, QUIET_RECORDS, n_samples).transpose(1, 0, 2)
    other = make_records(scenario, seed + OTHER_SEED) if with_other else None
    return Case(scenario, seed, records, np.ascontiguousarray(by_record), other)


def untouched(name: str, case: Case) -> list[Tried]:
    """Return the noisy records."""
    return [Tried(name, case.records.noisy, {})]


def zero(name: str, case: Case) -> list[Tried]:
    """Return nothing: what a method must not fall below."""
    return [Tried(name, np.zeros_like(case.records.truth), {})]


def filtered(best: Callable[[Records], tuple[Samples, str]]) -> Method:
    """Return a filter with the setting that the truth likes best."""

    def apply(name: str, case: Case) -> list[Tried]:
        def make() -> Outcome:
            began = time.process_time()
            output, setting = best(case.records)
            return Outcome(
                {"scored": output}, {"setting": setting, "search_cpu_s": time.process_time() - began}
            )

        code = Path(denoise_filters.__file__).read_text(encoding="utf-8")
        digest = digest_of(code, case.records.truth, case.records.noise)
        done = kept(f"{case.key}-{best.__name__}-{digest}", make)
        return [Tried(name, done.outputs["scored"], done.cost)]

    return apply


def ours(**options: Any) -> Method:
    """Return a `Denoiser` with options, which trains on the noisy records themselves, with and without fusion."""

    def apply(name: str, case: Case) -> list[Tried]:
        records = {"scored": case.records.noisy, "quiet": case.quiet}
        if case.other is not None:
            records["other"] = case.other.noisy
        done = run_ours(case.key, case.line, options, case.records.noisy, records, case.seed)
        said = {
            "verdict": done.cost["verdict"]["word"],
            "skill": done.cost["verdict"]["skill"],
            "verdict on quiet": done.cost["applied"]["quiet"]["verdict"]["word"],
            "blind_zone": done.cost["blind_zone"],
        }
        return [
            Tried(
                name + words,
                done.outputs[f"{which}scored"],
                _cost(done, done.outputs[f"{which}quiet"], case) | said,
                done.outputs.get(f"{which}other"),
            )
            for which, words in (("", ""), (BLIND, NO_FUSION))
            if f"{which}scored" in done.outputs
        ]

    return apply


def jdas(options: dict[str, Any], cpu_seconds: tuple[float, ...]) -> Method:
    """Return jDAS, applied after each of some training times; with its name goes the last of them."""

    def apply(name: str, case: Case) -> list[Tried]:
        if not jdas_is_named():
            return []
        records = {"scored": case.records.noisy, "quiet": case.quiet}
        asked = options | {"cpu_seconds": list(cpu_seconds)}
        done = run_jdas(case.key, case.line, asked, case.records.noisy, records, case.seed)
        tried = []
        for seconds in cpu_seconds:
            outputs = {what: done.outputs[f"{seconds:g}:{what}"] for what in records}
            facts = _cost(done, outputs["quiet"], case) | {"fit_cpu_s": seconds}
            label = f"{name}, {seconds:g} CPU s" if seconds else name
            tried.append(Tried(label, outputs["scored"], facts))
        return tried

    return apply


def methods() -> dict[str, Method]:
    """Return all methods by name."""
    return {
        "input": untouched,
        "zero output": zero,
        "AFK, oracle": filtered(best_afk),
        "median f-k, oracle": filtered(best_median_fk),
        "low rank, oracle": filtered(best_low_rank),
        "ridge": ours(method="ridge"),
        "network, untrained": ours(method="network", max_steps=0),
        "network": ours(method="network"),
        "jDAS pretrained": jdas(AS_DOCUMENTED, (0.0,)),
        "jDAS": jdas(TUNED, JDAS_SECONDS),
    }


def on_noise_alone(case: Case) -> list[Row]:
    """Train ours on noise without any signal, and return what comes out and what is said of it."""
    rows = []
    noise = case.records.noise
    for method in ("ridge", "network"):
        done = run_ours(
            f"{case.key}-noise", case.line, {"method": method}, noise, {"scored": noise}, case.seed
        )
        verdict = done.cost["verdict"]
        rows.append(
            {
                "noise": case.scenario.label,
                "method": method,
                "let through": float(np.mean(done.outputs["scored"] ** 2) / np.mean(noise**2)),
                "verdict": verdict["word"],
                "skill": verdict["skill"],
                "reason": verdict["reason"],
            }
        )
    return rows


def jdas_settings() -> dict[str, Method]:
    """Return jDAS with each setting, to choose among them."""
    return {f"jDAS {name}": jdas(setting, JDAS_SECONDS) for name, setting in JDAS_SETTINGS.items()}


def jdas_run_on() -> dict[str, Method]:
    """Return jDAS trained for far longer than ours."""
    return {"jDAS run on": jdas(TUNED, RUN_ON)}


def _cost(done: Outcome, quiet: Samples, case: Case) -> dict[str, Any]:
    return {
        "fit_cpu_s": done.cost["fit_cpu_s"],
        "values_per_cpu_s": done.rate,
        "peak_gb": done.cost["peak_gb"],
        "quiet_share": float(np.mean(quiet**2) / np.mean(case.quiet**2)),
    }
