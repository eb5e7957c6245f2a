"""Progress bars of jobs on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

ProgressCallback = Callable[[float, float], None]


@contextmanager
def progress_bar(title: str, console: Console | None) -> Iterator[ProgressCallback]:
    """Show a bar while a stage runs.

    Parameters
    ----------
    title : str
        Name of the stage.
    console : Console or None
        Where to draw; None draws nothing.

    Yields
    ------
    callable
        Called with the completed and the total amount.
    """
    if console is None:
        yield lambda done, total: None
        return
    columns = TextColumn("{task.description:<22}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
        total = bar.tasks[0].total or 1
        bar.update(task, completed=total, total=total)
