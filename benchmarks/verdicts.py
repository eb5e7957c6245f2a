"""Claim: of pure noise the denoiser says *works* no more often than its error rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from benchmarks.common import Measured, Row, Table, binomial_interval, progress
from selfseis.denoise import Denoiser
from selfseis.simulate import simulate_noise_recording

RATE = 100.0  # Hz
CHANNELS = 24
MINUTES = 0.5
GAUGE_CHANNELS = 5
ERROR_RATE = 0.05

Kind = Literal["white", "gauge"]
CASES: tuple[tuple[str, Kind, int | None], ...] = (
    ("white", "white", None),
    ("gauge-correlated, blind zone as measured", "gauge", None),
    ("gauge-correlated, no blind zone (what goes wrong without)", "gauge", 0),
)


def run(quick: bool) -> Iterator[Measured]:
    repeats = 20 if quick else 200
    settings = {
        "method": "ridge",
        "repeats": repeats,
        "seeds": [0, repeats - 1],
        "channels": CHANNELS,
        "minutes": MINUTES,
        "sampling_rate_hz": RATE,
        "gauge_channels": GAUGE_CHANNELS,
        "error_rate": ERROR_RATE,
        "baseline": "mean of the nearest visible channels",
        "null": "channels shifted in time independently",
    }
    claim = f"Of pure noise the verdict says 'works' in at most {ERROR_RATE:.0%} of the repeats."
    rows: list[Row] = []
    for label, kind, blind_zone in CASES:
        rows.append(_shares(label, kind, blind_zone, repeats))
        progress(f"{label}: {rows[-1]['works']} of {repeats} works")
        tables = [Table("Verdicts on noise without events", rows)]
        yield Measured(claim, settings, tables, _findings(rows, repeats))


def _shares(label: str, kind: Kind, blind_zone: int | None, repeats: int) -> Row:
    verdicts: Counter[str] = Counter()
    zones: Counter[int] = Counter()
    skills = []
    for seed in range(repeats):
        noise = simulate_noise_recording(
            kind, "fibre", MINUTES / 60, RATE, CHANNELS, seed, gauge_channels=GAUGE_CHANNELS
        )
        denoiser = Denoiser("ridge", blind_zone=blind_zone, seed=seed).fit(noise)
        verdicts[denoiser.verdict_.outcome] += 1
        zones[denoiser.blind_zone_] += 1
        if denoiser.verdict_.skill is not None:
            skills.append(denoiser.verdict_.skill.value)
    return {
        "noise": label,
        "works": verdicts["works"],
        "no_gain": verdicts["no_gain"],
        "cannot_tell": verdicts["cannot_tell"],
        "share works, 95%": list(binomial_interval(verdicts["works"], repeats)),
        "allowed": ERROR_RATE,
        "blind zones": ", ".join(f"{zone}: {count}x" for zone, count in sorted(zones.items())),
        "mean skill": sum(skills) / max(len(skills), 1),
    }


def _findings(rows: list[Row], repeats: int) -> list[str]:
    issues = []
    for row in rows[:2]:
        kept = row["share works, 95%"][0] <= ERROR_RATE
        issues.append(
            f"{'kept' if kept else 'BROKEN'}: {row['noise']}: 'works' in {row['works']} of {repeats}, "
            f"'no gain' in {row['no_gain']}"
        )
    for without in rows[2:]:
        issues.append(
            f"Without a blind zone shared noise passes for signal in {without['works']} of {repeats}: "
            "the zone is what keeps the error rate."
        )
    return issues
