"""Report pages of finished runs, made only from the files of a results folder.

This package reads results and never computes them. A page can therefore be written again at any time, on any
machine, from the results folder.
"""

from __future__ import annotations

from selfseis.report.atlas_page import write_atlas
from selfseis.report.demo import write_index
from selfseis.report.inversion_page import write_inversion_report
from selfseis.report.run import write_report

__all__ = ["write_atlas", "write_index", "write_inversion_report", "write_report"]
