"""Hostile files, each read by the process with limits: nothing is executed, little is taken, the refusal says why."""

import json
import os
import pickle
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from tests.unit.weights.crafted import CONTENTS, DANGEROUS, LAYOUTS, executing, saved
from tests.unit.weights.hostile import BEHIND, CALLS, filled, hostile

ROOT = Path(__file__).resolve().parents[3]

# What is measured in a process of its own: seconds of computing by each reader, the most memory of any of them so far.
# All but the readers of the first and the last file begin with PyTorch imported, which takes longer than all else.
MEASURE = """
import json, os, resource, sys
from explorer.weights import reader, reading, tensors

def forked(path, size, folder):
    child = os.fork()
    if child == 0:
        try:
            reader.main(path, folder)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def used():
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime, found.ru_maxrss

started, paths = reading._read, sys.argv[1:]
for path in paths:
    reading._read = started if path in (paths[0], paths[-1]) else forked
    before = used()[0]
    try:
        reason = f"{len(reading.read_weights_file(path).sets)} sets"
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    seconds, memory = used()
    print(json.dumps([reason, seconds - before, memory]), flush=True)
"""

OLDER = executing("marker") | DANGEROUS | CONTENTS | LAYOUTS
NAMES = [*OLDER, *hostile("marker")]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What was said, seconds and memory (KiB) of hostile files and a harmless one, by name; and where a mark may be.

    With the variable that takes PyTorch's care away wherever `weights_only` is not said.
    """
    folder = tmp_path_factory.mktemp("hostile")
    mark = folder / "mark"
    rows = OLDER | executing(mark) | hostile(str(mark))
    files = {name: make(folder / str(number)) for number, (name, (make, _)) in enumerate(rows.items())}
    files["harmless"] = saved(folder / "harmless", {"a": torch.ones(4)})
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *files.values()],
        cwd=ROOT,
        env=os.environ | {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return rows, dict(zip(files, map(json.loads, done.stdout.splitlines()), strict=True)), mark


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
def test_nothing_in_them_is_executed_and_a_good_file_is_read(measured):
    _, found, mark = measured
    assert found["harmless"][0] == "1 sets"
    assert len(found) > 150
    assert not mark.exists()


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
@pytest.mark.parametrize("name", NAMES)
def test_it_takes_little_and_is_refused_with_a_reason_or_read(measured, name):
    rows, found, _ = measured
    said, seconds, memory = found[name]
    reason = rows[name][1]
    assert re.match(rf"StorageError: \d+ {reason}" if reason else "1 sets", said), said
    assert seconds < found["harmless"][1] + 7
    assert memory < 1_000_000  # KiB, of this one and those before


@pytest.mark.parametrize(
    "name",
    ["os.system", "pickle in a pickle", "in a Namespace", "by INST", "by OBJ", "as arguments of a class", "partial"],
)
def test_they_are_what_they_are_taken_for(name, tmp_path):
    """Unpickled with Python's own unpickler, such files do run code; `partial` only once it is called."""
    mark = tmp_path / "mark"
    value, _ = (CALLS | BEHIND)[name]
    value = filled(value, str(mark)).replace(b"config\nSettings", b"argparse\nNamespace")
    with suppress(TypeError):  # of the class that gets the result
        found = pickle.loads(b"\x80\x02" + value + b".")
    if name == "partial":
        assert not mark.exists()
        found()
    assert mark.exists()
