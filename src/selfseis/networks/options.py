"""Settings of the networks.

A loaded network is rebuilt with the options of its fit, since they determine the shape of its weights. The size of the
tiles changes the output by rounding alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.options import Options, option


@dataclass(frozen=True, kw_only=True)
class WindowNetOptions(Options):
    """Size of a `WindowNet`."""

    n_hidden: int = option(128, "units", "judgement: of each hidden layer")


@dataclass(frozen=True, kw_only=True)
class BlindSlantNetOptions(Options):
    """Size of a `BlindSlantNet`, and the parts in which it predicts."""

    apertures: tuple[int, ...] = option(
        (8, 32), "channels", "judgement: powers of two, as the stacks are built by doubling"
    )
    n_hidden: int = option(24, "units", "judgement")
    n_taps: int = option(33, "samples", "judgement: an odd number")
    max_factor: float = option(
        2.0, "1", "judgement: it bounds the output for waves unlike the training data (commit 51f2e73)"
    )
    tile_channels: int = option(
        256,
        "channels",
        "benchmarks/denoise_speed.py: larger tiles exceed the cache, smaller ones are mostly context",
    )
    tile_samples: int = option(
        2048,
        "samples",
        "benchmarks/denoise_speed.py: larger tiles exceed the cache, smaller ones are mostly context",
    )
