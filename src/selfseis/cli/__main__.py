"""``python -m selfseis.cli``."""

from __future__ import annotations

from selfseis.cli.app import main

main()
