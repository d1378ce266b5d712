"""Commands on data sets."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from explorer.cli.output import AsJson, message, show, text_facts, text_table
from explorer.data.catalogue import data_status, data_table, verify_data

app = SubcommandApp()

Name = Annotated[Positional[str], arg(metavar="NAME")]


@app.command
def status(*, json: AsJson = False) -> int:
    """Tell which data sets are on this machine."""
    rows = data_table()
    columns = ["name", "title", "available", "place", "train_images", "test_images", "sizes"]
    show(rows, text_table(rows, columns), as_json=json)
    for row in rows:
        if not row["available"]:
            message(str(row["detail"]))
    return 0


@app.command
def download(name: Name, /, *, json: AsJson = False) -> int:
    """Download a data set and verify it; a download that was cut off goes on or starts anew.

    Args:
        name: such as cifar10.
    """
    from explorer.data.download import download as arriving

    with _progress(name) as report:
        for done, total in arriving(name):
            report(done, total)
    return _show_status(name, json=json)


@app.command
def verify(name: Name, /, *, json: AsJson = False) -> int:
    """Compare every file of a data set with its published checksum.

    Args:
        name: such as cifar10.
    """
    verify_data(name)
    return _show_status(name, json=json)


def _show_status(name: str, *, json: bool) -> int:
    found = asdict(data_status(name))
    show(found, text_facts(found), as_json=json)
    return 0


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in a terminal, else a line a tenth; both on standard error."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(name)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    told = -1

    def report(done: int, total: int) -> None:
        nonlocal told
        if done * 10 // total > told:
            told = done * 10 // total
            message(f"{name}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")

    yield report
