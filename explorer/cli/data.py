"""Commands on data sets, and on the list of folders of pictures."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from explorer.cli.output import AsCsv, AsJson, message, show, show_table, text_facts, text_table
from explorer.data.catalogue import OWN, data_status, data_table, verify_data
from explorer.data.checked_folders import check_folder, leave_out_broken
from explorer.data.checking import Checked
from explorer.data.folders import folder
from explorer.data.left_out import left_out, take_back
from explorer.data.own_folders import add_folder, folder_table, remove_folder
from explorer.errors import StorageError
from explorer.studies.listing import data_sets

app = SubcommandApp()

Folder = Annotated[Positional[Path], arg(metavar="PATH")]
Name = Annotated[Positional[str], arg(metavar="NAME")]


@app.command
def status(*, csv: AsCsv = False, json: AsJson = False) -> int:
    """List the data sets on this machine, and the folders of pictures on the list."""
    if csv:
        return show_table("data", data_sets(), csv=True, json=False)
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


LeaveOut = Annotated[
    bool, arg(help="Record the pictures that cannot be read as left out, after reading every one; none is deleted.")
]

HEADER_SECONDS = 5.0  # spent at most on the beginnings of files when a folder is added


@app.command
def add(path: Folder, /, *, leave_out: LeaveOut = False, json: AsJson = False) -> int:
    """Add a folder of pictures to the list of those that the app offers; each subfolder is a class.

    Training images are in a subfolder train, beside val or test; other usual names of these are known too. Commands
    also accept folders that are not on the list, as --data folder:/absolute/path.

    Args:
        path: of the folder.
    """
    place = Path(add_folder(str(path.expanduser().absolute())).partition(":")[2])
    found = _checked(place, leave_out=leave_out) if leave_out else check_folder(
        place, headers=True, seconds=HEADER_SECONDS
    )  # fmt: skip
    row = next(each for each in folder_table() if each["place"] == str(place))
    facts = {key: row[key] for key in ("name", "place", "detail", "classes", "train_images", "test_images")}
    return _show_check(place, found, facts, json=json)


@app.command
def check(
    path: Folder,
    /,
    *,
    leave_out: LeaveOut = False,
    take_back: Annotated[bool, arg(name="take-back", help="First take back what was left out.")] = False,
    json: AsJson = False,
) -> int:
    """Read every picture of a folder, and name all that cannot be read.

    Args:
        path: of the folder; it need not be on the list.
    """
    place = Path(os.path.normpath(path.expanduser().absolute()))
    if take_back:
        _take_back(place)
    found = _checked(place, leave_out=leave_out)
    return _show_check(place, found, {"name": f"{OWN}:{place}"}, json=json)


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


def _checked(place: Path, *, leave_out: bool) -> Checked:
    with _progress(place.name, "pictures", 1) as report:
        found = check_folder(place, report=report)
    if leave_out and leave_out_broken(place, found):
        message(f"{len(found.broken):,} pictures are left out from now on; take them back with --take-back.")
    return found


def _take_back(place: Path) -> None:
    count = take_back(place)
    message(f"{count:,} pictures are taken back." if count else f"Nothing was left out of {place}.")


def _show_check(place: Path, found: Checked, facts: dict[str, object], *, json: bool) -> int:
    scanned = folder(place)
    omitted = left_out(place)
    facts |= {
        "notes": list(scanned.notes),
        "not_taken": [{"reason": reason, "count": count} for reason, count in scanned.passed_over.items()],
        "checked": found.read,
        "broken": [{"file": each.file, "reason": each.reason} for each in found.broken],
        "left_out": sorted(omitted),
    }
    lines = {key: value for key, value in facts.items() if not isinstance(value, list)}
    text = "\n".join([text_facts(lines), *scanned.told(), found.sentence(place)])
    if any(str(Path(each.file).relative_to(place)) not in omitted for each in found.broken):
        message(f"Leave them out with `python -m explorer data check {shlex.quote(str(place))} --leave-out`.")
    return show(facts, text, as_json=json)


def _show_status(name: str, *, json: bool) -> int:
    found = asdict(data_status(name))
    return show(found, text_facts(found), as_json=json)


@contextmanager
def _progress(name: str, unit: str = "MB", scale: float = 1e6) -> Iterator[Callable[[int, int], None]]:
    """A bar in a terminal, else a line per tenth; both on standard error.

    Args:
        unit, scale: of the lines, and how much of what is counted makes one.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        counted: tuple[ProgressColumn, ...] = (MofNCompleteColumn(),)
        if unit == "MB":
            counted = (DownloadColumn(), TransferSpeedColumn())
        columns = (BarColumn(), *counted, TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(name)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    last = -1

    def report(done: int, total: int) -> None:
        nonlocal last
        if done * 10 // total > last:
            last = done * 10 // total
            message(f"{name}: {done / scale:,.0f} of {total / scale:,.0f} {unit}")

    yield report
