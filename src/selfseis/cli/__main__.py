"""``python -m selfseis.cli``."""

from __future__ import annotations

from selfseis.cli.commands import main

main()
