"""Options of ObsPy's pickers."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.options import Options, option


@dataclass(frozen=True, kw_only=True)
class ObsPyOptions(Options):
    """ObsPy's pickers as networks; on the command line ``obspy:NAME?option=value``."""

    window_s: float = option(60.0, "s", "judgement: holds P and S of local events")
    trigger: float = option(4.0, "1", "ObsPy's trigger tutorial: ratio with a score of one half")
    trigger_on: float = option(2.0, "1", "judgement: half the usual ratio; calibration sets the threshold")
    trigger_off: float = option(1.0, "1", "ObsPy's trigger tutorial: about the level of noise")
    sta_s: float = option(0.5, "s", "as in TriggerOptions: short-term average")
    lta_s: float = option(10.0, "s", "as in TriggerOptions: long-term average")
    f1: float = option(1.0, "Hz", "ObsPy's tutorial of ar_pick: lower corner")
    f2: float = option(20.0, "Hz", "ObsPy's tutorial of ar_pick: upper corner, at most 0.45 of the rate")
    lta_p: float = option(1.0, "s", "ObsPy's tutorial of ar_pick")
    sta_p: float = option(0.1, "s", "ObsPy's tutorial of ar_pick")
    lta_s_phase: float = option(4.0, "s", "ObsPy's tutorial of ar_pick: its lta_s")
    sta_s_phase: float = option(1.0, "s", "ObsPy's tutorial of ar_pick: its sta_s")
    m_p: int = option(2, "coefficients", "ObsPy's tutorial of ar_pick")
    m_s: int = option(8, "coefficients", "ObsPy's tutorial of ar_pick")
    l_p: float = option(0.1, "s", "ObsPy's tutorial of ar_pick: variance window")
    l_s: float = option(0.2, "s", "ObsPy's tutorial of ar_pick: variance window")
