"""Commands on data sets, and on the list of folders of pictures."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from explorer.cli.output import AsJson, message, show, text_facts, text_table
from explorer.data.catalogue import data_status, data_table, verify_data
from explorer.data.own_folders import add_folder, folder_table, remove_folder
from explorer.errors import StorageError

app = SubcommandApp()

Folder = Annotated[Positional[Path], arg(metavar="PATH")]
Name = Annotated[Positional[str], arg(metavar="NAME")]


@app.command
def status(*, json: AsJson = False) -> int:
    """List the data sets on this machine, and the folders of pictures on the list."""
    rows = data_table()
    try:
        rows += folder_table()
    except StorageError as error:
        message(str(error))
    columns = ["name", "title", "available", "place", "train_images", "test_images", "sizes"]
    show(rows, text_table(rows, columns), as_json=json)
    for row in rows:
        if not row["available"]:
            message(str(row["detail"]))
    return 0


@app.command
def add(path: Folder, /, *, json: AsJson = False) -> int:
    """Add a folder of pictures to the list of those that the app offers; each subfolder is a class.

    Training images are in a subfolder train, next to val or test. Commands also accept folders that are not on the
    list, as --data folder:/absolute/path.

    Args:
        path: of the folder.
    """
    name = add_folder(str(path.expanduser().absolute()))
    row = next(each for each in folder_table() if each["name"] == name)
    found = {key: row[key] for key in ("name", "place", "detail", "classes", "train_images", "test_images")}
    return show(found, text_facts(found), as_json=json)


@app.command
def remove(path: Folder, /, *, json: AsJson = False) -> int:
    """Remove a folder from that list; nothing is deleted from disk.

    Args:
        path: of the folder.
    """
    place = str(path.expanduser().absolute())
    remove_folder(place)
    return show({"removed": place}, f"{place} is off the list; its pictures are where they were.", as_json=json)


@app.command
def download(name: Name, /, *, json: AsJson = False) -> int:
    """Download a data set and verify it; an interrupted download is resumed.

    Args:
        name: such as cifar10.
    """
    from explorer.data.download import download as downloaded

    with _progress(name) as report:
        for done, total in downloaded(name):
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
    return show(found, text_facts(found), as_json=json)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in a terminal, else a line per tenth; both on standard error."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(name)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    last = -1

    def report(done: int, total: int) -> None:
        nonlocal last
        if done * 10 // total > last:
            last = done * 10 // total
            message(f"{name}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")

    yield report
