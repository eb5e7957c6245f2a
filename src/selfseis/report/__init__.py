"""The page that shows a finished run: made from the files of its results folder alone.

This folder reads results and never computes them; it imports nothing else of selfseis, so a page can be
written again at any time, on any machine, from the folder that a run left behind.
"""

from __future__ import annotations

from selfseis.report.atlas_page import write_atlas
from selfseis.report.index_page import write_index
from selfseis.report.inversion_page import write_inversion_report
from selfseis.report.run_page import write_report

__all__ = ["write_atlas", "write_index", "write_inversion_report", "write_report"]
