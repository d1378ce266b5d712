"""Paths that are none: every export says so, whatever it writes."""

from pathlib import Path

import pandas as pd
import pytest

import explorer
from explorer.errors import StorageError
from explorer.export.parquet import write_parquet
from explorer.export.reports import markdown
from explorer.runs.transfer import export
from explorer.training.assignment import assignment

WRITES = {
    "report": lambda name: explorer.report("e1", to=f"{name}.html", responses=False),
    "report in a folder": lambda name: explorer.report("e1", to=name, responses=False),
    "report as Markdown": lambda name: explorer.report("e1", to=name, markdown=True, responses=False),
    "report as a zip": lambda name: explorer.report("e1", to=f"{name}.zip", markdown=True, responses=False),
    "plan": lambda name: explorer.export_plan("e1", f"{name}.yaml"),
    "Parquet": lambda name: write_parquet(pd.DataFrame({"a": [1]}), f"{name}.parquet"),
    "TensorBoard": lambda name: explorer.export_tensorboard(["e1-plain8-s0"], name),
    "assignment": lambda name: assignment(students=1).write(Path(name)),
    "zip": lambda name: export("e1", Path(f"{name}.zip")),
}


@pytest.mark.parametrize("kind", WRITES)
def test_a_path_that_is_none_is_told(make_run, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(markdown, "pngs", lambda figures, width: [b"png" for _ in figures])
    make_run("plain8")
    with pytest.raises(StorageError, match=r"'a\\x00b.*' has a NUL character, which no path can have. Leave it out."):
        WRITES[kind]("a\0b")
    with pytest.raises(StorageError, match="Give a shorter name."):
        WRITES[kind]("x" * 300)
    assert [each.name for each in tmp_path.iterdir()] == ["home"]
