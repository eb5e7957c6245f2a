"""The command line: one thin command per task."""

from __future__ import annotations

from selfseis.cli.app import app, main

__all__ = ["app", "main"]
