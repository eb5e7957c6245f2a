"""Tables and findings of the benchmarks of denoising, made of the scores of single records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from benchmarks.common import Row, Table

TARGET = 3.0  # dB above the best of the others
P_TARGET = 0.1  # dominant periods
AMPLITUDE_TARGET = 0.05
QUIET_TARGET = 0.01  # share of the variance of noise
SPEED_TARGET = 20.0  # times jDAS
TRAINING_TARGET = 60.0  # CPU s
OURS = "network"
RIVALS = ("ridge, no fusion", "AFK, oracle")


def score_table(scores: list[Row], facts: list[Row]) -> Table:
    """Return one row a scenario and method: signal-to-noise ratios, P, amplitudes and cost."""
    rows = []
    for (scenario, method), of in _grouped(_same(scores), "scenario", "method"):
        known = [f for f in facts if (f["scenario"], f["method"]) == (scenario, method)]
        by_seed = [np.mean([r["output_db"] for r in part]) for _, part in _grouped(of, "seed")]
        above = [r for r in of if r["output_db"] > 0]
        rows.append(
            {
                "noise": scenario,
                "method": method,
                "output dB": _mean(of, "output_db"),
                "sd of seeds": round(float(np.std(by_seed)), 2),
                "least": round(min(r["output_db"] for r in of), 2),
                "below 0": sum(r["output_db"] < -0.05 for r in of),
                "records": len(of),
                "overall dB": _mean(of, "overall_db"),
                "P shift": _mean(of, "p_shift", np.abs),
                "P scatter": _mean(of, "p_scatter"),
                "P seen": _mean(of, "p_channels"),
                "amplitude": _mean(above, "amplitude"),
                "where loud": _mean(above, "loud_amplitude"),
                "by its error": _mean(above, "loud_expected"),
                "of quiet": _mean(known, "quiet_share", digits=4),
                "fit CPU s": _mean(known, "fit_cpu_s"),
                "M/CPU s": _mean(known, "values_per_cpu_s", lambda v: v / 1e6),
                "GB": _mean(known, "peak_gb"),
            }
        )
    return Table("Output where the signal is (dB; 0 is zero output), P, amplitudes, quiet noise, cost", rows)


def fibre_tables(scores: list[Row], facts: list[Row]) -> list[Table]:
    """Return all tables of the fibre benchmark."""
    levels = _spread(scores, "level", "noise", lambda level: f"{level:.0f} dB")
    kinds = _spread(scores, "kind", None, str)
    return [
        score_table(scores, facts),
        Table("Output (dB) by input", levels),
        Table("Output (dB) by kind of wavefield, all scenarios", kinds),
        Table("Learnt from other records than those scored: output (dB)", _other_rows(scores)),
        Table("What the denoisers say of themselves", _verdict_rows(facts)),
    ]


def tuning_table(scores: list[Row]) -> Table:
    """Return what jDAS reaches with each of its settings on one set."""
    rows = [
        {
            "setting": method,
            "output dB": _mean(of, "output_db"),
            "least": round(min(r["output_db"] for r in of), 2),
        }
        for (method,), of in _grouped(scores, "method")
    ]
    return Table("jDAS with several settings on one set", rows)


def convergence_table(scores: list[Row]) -> Table:
    """Return what jDAS reaches with ever more training, beside ours."""
    rows = [
        {
            "noise": scenario,
            "method": method,
            "output dB": _mean(of, "output_db"),
            "least": round(min(r["output_db"] for r in of), 2),
        }
        for (scenario, method), of in _grouped(scores, "scenario", "method")
    ]
    return Table("jDAS trained on (one seed)", rows)


def fibre_findings(scores: list[Row], facts: list[Row]) -> list[str]:
    """Return what the scores say of the aims, what misses them first."""
    table = score_table([*_same(scores), *_together(scores)], [*facts, *_together(facts)]).rows
    issues = []
    for scenario in dict.fromkeys(row["noise"] for row in table):
        of = [row for row in table if row["noise"] == scenario]
        ours = next((row for row in of if row["method"] == OURS), None)
        rivals = [row for row in of if row["method"] in RIVALS or row["method"].startswith("jDAS")]
        if ours is None or not rivals:
            continue
        best = max(rivals, key=lambda row: row["output dB"])
        gain = ours["output dB"] - best["output dB"]
        issues += [
            _finding(
                gain >= TARGET,
                f"{scenario}: {ours['output dB']:.1f} dB, {gain:.1f} above {best['method']} (aim {TARGET:g})",
            ),
            _finding(
                ours["below 0"] == 0,
                f"{scenario}: {ours['below 0']} of {ours['records']} records below zero output "
                f"(least {ours['least']:.1f} dB)",
            ),
            *_smaller_findings(scenario, ours, of),
        ]
    return sorted(issues, key=lambda text: not text.startswith("MISSED"))


def _smaller_findings(scenario: str, ours: Row, of: list[Row]) -> Iterable[str]:
    if ours["P shift"] is not None:
        yield _finding(
            ours["P shift"] < P_TARGET,
            f"{scenario}: P shifted by {ours['P shift']:.3f} periods (aim {P_TARGET:g})",
        )
    if ours["where loud"] is not None:
        bias = 1 - ours["where loud"]
        expected = 1 - ours["by its error"]
        yield _finding(
            abs(bias) < AMPLITUDE_TARGET,
            f"{scenario}: {bias:.0%} of the amplitude lost where it is loud ({expected:.0%} by its error there)",
        )
    share = ours["of quiet"]
    yield _finding(share < QUIET_TARGET, f"{scenario}: {share:.2%} of quiet noise is let through")
    yield _finding(
        ours["fit CPU s"] <= TRAINING_TARGET, f"{scenario}: trained in {ours['fit CPU s']:.0f} CPU s"
    )
    jdas = [row["M/CPU s"] for row in of if row["method"].startswith("jDAS") and row["M/CPU s"]]
    if jdas:
        times = ours["M/CPU s"] / max(jdas)
        yield _finding(
            times >= SPEED_TARGET,
            f"{scenario}: {times:.1f} times the samples of jDAS a CPU second (aim {SPEED_TARGET:g})",
        )


def _finding(reached: bool, text: str) -> str:
    return f"{'reached' if reached else 'MISSED'}: {text}"


def _spread(scores: list[Row], what: str, also: str | None, label: Callable[[Any], str]) -> list[Row]:
    """Return one row a method (and scenario) with one column a value."""
    rows = []
    keys = ("scenario", "method") if also else ("method",)
    for names, of in _grouped(_same(scores), *keys):
        row: Row = {also: names[0]} if also else {}
        row["method"] = names[-1]
        columns = sorted({r[what] for r in of})
        row |= {label(value): _mean([r for r in of if r[what] == value], "output_db") for value in columns}
        rows.append(row)
    return rows


def _other_rows(scores: list[Row]) -> list[Row]:
    rows = []
    for (scenario, method), of in _grouped([s for s in scores if s["on"] == "other"], "scenario", "method"):
        same = [
            s
            for s in _same(scores)
            if (s["scenario"], s["method"]) == (scenario, method) and s["seed"] in {r["seed"] for r in of}
        ]
        rows.append(
            {
                "noise": scenario,
                "method": method,
                "other records": _mean(of, "output_db"),
                "least": round(min(r["output_db"] for r in of), 2),
                "same records": _mean(same, "output_db"),
            }
        )
    return rows


def _verdict_rows(facts: list[Row]) -> list[Row]:
    shown = ("scenario", "seed", "method", "verdict", "skill", "verdict on quiet", "blind_zone", "setting")
    return [
        {name: fact[name] for name in shown if name in fact}
        for fact in facts
        if "verdict" in fact or "setting" in fact
    ]


def _together(rows: list[Row]) -> list[Row]:
    """Return the rows of all scenarios as those of one."""
    return [row | {"scenario": "all scenarios"} for row in rows if row.get("on", "same") == "same"]


def _same(scores: list[Row]) -> list[Row]:
    return [row for row in scores if row["on"] == "same"]


def _grouped(rows: list[Row], *names: str) -> Iterable[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups.items()


def _mean(
    rows: list[Row], name: str, change: Callable[[Any], Any] = lambda v: v, digits: int = 2
) -> float | None:
    values = [change(row[name]) for row in rows if row.get(name) is not None]
    return round(float(np.mean(values)), digits) if values else None
