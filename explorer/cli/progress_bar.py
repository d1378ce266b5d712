"""A progress bar in the terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from explorer.progress import listening


@contextmanager
def progress_bar(title: str) -> Iterator[None]:
    """A bar on standard error with the progress reported inside; nothing outside of a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        with listening(lambda fraction: bar.update(task, completed=fraction)):
            yield
