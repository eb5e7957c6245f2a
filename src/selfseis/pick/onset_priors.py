"""Prior of the onsets at a sampling rate: S - P of synthetic events and of pairs, and wavelets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from selfseis.errors import InputError
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.options import PriorOptions
from selfseis.simulate.onsets import REFERENCE_RATE, OnsetBank, OnsetPrior

Range = tuple[float, float]


def onset_prior(rate: float, s_minus_p: Range | None, options: PriorOptions) -> OnsetPrior:
    """Return the prior of synthetic onsets.

    Parameters
    ----------
    rate : float
        Sampling rate in Hz.
    s_minus_p : tuple of float or None
        Minimum and maximum S - P in s; by default that of the options, scaled from 100 Hz.
    options : PriorOptions
        Signal-to-noise ratio, and S - P where none is given.

    Raises
    ------
    InputError
        If S - P are not two rising numbers above 0.
    """
    if s_minus_p is not None and not 0 < s_minus_p[0] < s_minus_p[1]:
        raise InputError(f"s_minus_p must be two rising numbers above 0 (S - P in s), got {s_minus_p}")
    prior = OnsetPrior.at(rate, s_minus_p, reference_s_minus_p=options.s_minus_p)
    return replace(prior, snr=options.snr)


def paired_s_minus_p(rate: float, s_minus_p: Range | None, options: PriorOptions) -> Range:
    """Return the minimum and maximum S - P in s of an S and a P that may form a pair.

    Parameters
    ----------
    rate, s_minus_p, options
        As for `onset_prior`.

    Examples
    --------
    >>> from selfseis.pick.onset_priors import paired_s_minus_p
    >>> from selfseis.pick.options import PriorOptions
    >>> paired_s_minus_p(200.0, None, PriorOptions())
    (0.15, 13.0)
    """
    if s_minus_p is not None:
        return s_minus_p[0], options.pair_limit * s_minus_p[1]
    shortest, longest = options.pair_s_minus_p
    return shortest * REFERENCE_RATE / rate, longest * REFERENCE_RATE / rate


def wavelet_bank(high_pass: CausalHighPass, window: int, seed: int, options: PriorOptions) -> OnsetBank:
    """Return random wavelets above the corner of a filter.

    Parameters
    ----------
    high_pass : CausalHighPass
        Filter of the recording.
    window : int
        Maximum length of a wavelet in samples.
    seed : int
        Seed of the wavelets.
    options : PriorOptions
        Number and maximum length.
    """
    rng, corner = np.random.default_rng(seed), high_pass.low / high_pass.rate
    return OnsetBank.draw(rng, options.n_wavelets, min(options.max_wavelet, window), high_pass=corner)
