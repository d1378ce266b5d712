"""A metrics.db may be anybody's: it is read only where it is what this program writes."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from explorer import tables
from explorer.errors import RunError, StorageError
from explorer.runs import metrics as module
from explorer.runs import metrics_file
from explorer.runs.metrics import MetricsWriter, read_end, read_live, read_metrics, read_progress, sample_metrics
from explorer.runs.metrics_file import copy_metrics
from explorer.runs.store import list_runs, read_run, run_folder

pytestmark = pytest.mark.thorough

SHIPPED = Path(module.__file__).resolve().parents[2] / "checkpoints"
ONES = ", ".join(f"1 AS {column}" for column in tables.METRICS)
ENDLESS = f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT {ONES} FROM n"


@pytest.fixture
def sound(tmp_path):
    """A folder with the metrics of 21 steps, evaluated at 0, 10 and 20, and of layers at the last."""
    with MetricsWriter(tmp_path) as writer:
        for step in range(21):
            error = 0.25 if step % 10 == 0 else None
            writer.append((step, 1.0, 0.5, 0.1, step * 0.5, error, error, 10.0 if error else None))
        writer.append_probe([(20, 1, "stem", 0, 0, 1.0, 0.0, 0.5, 0.1, 0.2)], [(20, 1, 1, 0.5, None, 0.9, 0.4)])
    return tmp_path


def sql(*statements):
    def done(path):
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            for statement in statements:
                database.execute(statement)

    return done


def instead(make):
    def done(path):
        path.rename(path.with_name("elsewhere.db"))
        make(path)

    return done


def beside(ending, make):
    return lambda path: make(path.with_name(path.name + ending))


def link(path):
    path.symlink_to(path.with_name("elsewhere.db"))


def of_several(path):
    path.write_bytes(b"\0" * 512 + bytes.fromhex("d9d505f920a163d7"))


def bytes_in_the_schema(path):
    """SQLite's message quotes them, and Python cannot read it."""
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE metrics (", b"CREATE TABLE metrics \x94"))


def cut(length):
    return lambda path: os.truncate(path, length)


UNSOUND = {  # whatever is asked, it is refused
    "a link": instead(link),
    "a link to nothing": instead(lambda path: path.symlink_to("nowhere")),
    "a folder": instead(lambda path: path.mkdir()),
    "a pipe": instead(lambda path: os.mkfifo(path)),
    "a journal that is a link": beside("-journal", link),
    "a journal that is a pipe": beside("-wal", os.mkfifo),
    "shared memory that is a link": beside("-shm", link),
    "a journal that names another file": beside("-journal", of_several),
    "text": instead(lambda path: path.write_text("step,loss\n" * 1000)),
    "nothing": cut(0),
    "cut in a page": cut(100),
    "bytes that are no text": bytes_in_the_schema,
    "a view": sql("DROP TABLE metrics", f"CREATE VIEW metrics AS SELECT {ONES}"),
    "a view that never ends": sql("DROP TABLE metrics", f"CREATE VIEW metrics AS {ENDLESS}"),
    "another view": sql("CREATE VIEW more AS SELECT 1"),
    "a trigger": sql("CREATE TRIGGER more AFTER INSERT ON metrics BEGIN DELETE FROM metrics; END"),
    "an index": sql("CREATE INDEX more ON metrics (loss)"),
    "another table": sql("CREATE TABLE more (x)"),
    "a virtual table": sql("CREATE VIRTUAL TABLE more USING fts5(x)"),
    "statistics": sql("ANALYZE"),
    "a column more": sql("ALTER TABLE metrics ADD COLUMN more REAL"),
    "a generated column": sql("ALTER TABLE metrics ADD COLUMN more REAL AS (loss * 2)"),
    "a column less": sql("ALTER TABLE metrics DROP COLUMN loss"),
    "no types": sql("DROP TABLE metrics", f"CREATE TABLE metrics ({', '.join(tables.METRICS)})"),
    "no table of rows": sql("DROP TABLE metrics"),
    "other layers": sql("DROP TABLE layers", "CREATE TABLE layers (step)"),
    "many tables": sql(*(f"CREATE TABLE t{n} (x)" for n in range(300))),
}  # fmt: skip
READERS = {
    "progress": read_progress,
    "every row": read_metrics,
    "averaged": lambda folder: read_metrics(folder, points=2),
    "sampled": lambda folder: sample_metrics(folder, 2),
    "the end": lambda folder: read_end(folder, 3),
    "layers": lambda folder: read_live(folder, "layers"),
    "a copy": lambda folder: copy_metrics(folder, folder / "copy.db"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", UNSOUND)
def test_a_file_that_is_not_ours_is_refused_in_one_line(sound, name, reader):
    UNSOUND[name](sound / "metrics.db")
    with pytest.raises(RunError, match=r"^metrics\.db of \S+ cannot be read: .+\. Mend the run \(.+\) or delete it\.$"):
        READERS[reader](sound)
    assert not (sound / "copy.db").exists()


@pytest.mark.parametrize("name", UNSOUND)
def test_nothing_is_written_into_a_file_that_is_not_ours(sound, name):
    UNSOUND[name](sound / "metrics.db")
    before = {file.name: file.read_bytes() for file in sound.iterdir() if file.is_file()}
    with pytest.raises(StorageError, match=r"metrics\.db"):
        MetricsWriter(sound)
    assert {file.name: file.read_bytes() for file in sound.iterdir() if file.is_file()} == before


ODD = {  # column, what it says at step 20
    "a text": ("loss", "'low'"),
    "a blob": ("seconds", "x'00'"),
    "infinity": ("loss", "9e999"),
    "an error above 1": ("test_error", "1.5"),
    "an error below 0": ("train_error", "-0.1"),
    "time that goes back before it began": ("seconds", "-1"),
    "a text that is long": ("learning_rate", "printf('%.2000000c', 'x')"),
    "a step too far": ("step", "9000000000"),
    "a speed that is text": ("images_per_second", "'fast'"),
}


@pytest.mark.parametrize("reader", ["progress", "every row", "averaged", "a copy"])
@pytest.mark.parametrize("name", ODD)
def test_a_value_that_cannot_be_is_noticed(sound, name, reader):
    column, value = ODD[name]
    if reader == "progress" and column == "loss":
        pytest.skip("it does not tell the loss")
    sql(f"UPDATE metrics SET {column} = {value} WHERE step = 20")(sound / "metrics.db")
    with pytest.raises(RunError, match="cannot be read"):
        READERS[reader](sound)


@pytest.mark.parametrize("value", ["'a'", "x'00'", "9e999", "'0.5'||''"])
def test_one_odd_value_among_those_that_are_averaged_is_noticed(sound, value):
    sql(f"UPDATE metrics SET batch_error = {value} WHERE step = 7")(sound / "metrics.db")
    if value == "'0.5'||''":  # a text that is a number becomes one
        assert read_metrics(sound, points=2)
    else:
        with pytest.raises(RunError, match="text or out of range"):
            read_metrics(sound, points=2)


@pytest.mark.parametrize("value", ["'a'", "x'00'", "9e999", "-0.1"])
def test_one_odd_value_at_the_end_of_the_schedule_is_noticed(sound, value):
    sql(f"UPDATE metrics SET batch_error = {value} WHERE step = 7")(sound / "metrics.db")
    with pytest.raises(RunError, match="cannot be read"):
        read_end(sound, 3)


@pytest.mark.parametrize(
    ("column", "value"),
    [("name", "x'00'"), ("name", "char(27)"), ("name", "printf('%.300c', 'x')"), ("step", "'late'"), ("layer", "1.5"),
     ("stage", "-1"), ("zeros", "'some'"), ("response_std", "-9e999")],
)  # fmt: skip
def test_an_odd_value_of_a_layer_is_noticed(sound, column, value):
    sql(f"UPDATE layers SET {column} = {value}")(sound / "metrics.db")
    for reader in ("layers", "a copy"):
        with pytest.raises(RunError, match="cannot be read"):
            READERS[reader](sound)


def test_a_file_that_takes_too_long_says_so(sound, monkeypatch):
    monkeypatch.setattr(metrics_file, "MOST_SECONDS", -1)
    monkeypatch.setattr(metrics_file, "_INSTRUCTIONS", 10)
    with pytest.raises(RunError, match="longer than"):
        read_metrics(sound)


def test_rows_are_bounded(sound, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 20)
    monkeypatch.setattr(metrics_file, "MOST_ROWS", 20)
    with pytest.raises(RunError, match="more than 20 rows"):
        read_metrics(sound)


def test_a_copy_of_a_sound_file_is_the_same(sound):
    (sound / "other").mkdir()
    copy_metrics(sound, sound / "other" / "metrics.db")
    assert read_metrics(sound / "other") == read_metrics(sound)


def test_older_files_lack_layers_and_get_them(sound):
    sql("DROP TABLE layers", "DROP TABLE blocks")(sound / "metrics.db")
    assert read_progress(sound).step == 20
    assert read_live(sound, "layers") == []
    MetricsWriter(sound).close()
    assert read_live(sound, "layers") == []


@pytest.mark.parametrize("folder", sorted(SHIPPED.glob("shipped-*")), ids=lambda folder: folder.name)
def test_what_is_shipped_is_sound(folder, tmp_path):
    shutil.copy(folder / "metrics.db", tmp_path)
    copy_metrics(tmp_path, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("name", UNSOUND)
def test_one_odd_file_leaves_the_other_runs(make_run, tmp_path, monkeypatch, name):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    odd, whole = make_run("plain8"), make_run("resnet8")
    UNSOUND[name](run_folder(odd) / "metrics.db")
    assert {run.id: run.state for run in list_runs()} == {odd: "damaged", whole: "finished"}
    assert "\n" not in read_run(odd).damage
