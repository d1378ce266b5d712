"""Odd run folders by name: each is a copy of a good run with one thing wrong.

A table a file of the folder. `spoil` does the harm; `listed` is how the run should be listed: as damaged, as sound
because the oddity is harmless, or either of the two. What leads outside leads to `outside`, a folder beside the home.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from explorer import tables
from explorer.runs.facts import RunFacts

Spoil = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Odd:
    spoil: Spoil
    listed: Literal["damaged", "sound", "either"] = "either"
    of: Literal["finished", "paused"] = "finished"


def make_odd(trained, home: Path, name: str) -> str:
    """Put the odd run `name` of `ODD` into a home; gives its id, which is also that of its experiment."""
    odd, run_id = ODD[name], f"odd-{name}"
    shutil.copytree(getattr(trained, odd.of), home / run_id)
    facts = json.loads((home / run_id / "run.json").read_text())
    (home / run_id / "run.json").write_text(json.dumps(facts | {"id": run_id, "experiment": run_id}, indent=2))
    odd.spoil(home / run_id)
    path = home / run_id / "run.json"
    if path.is_file() and not path.is_symlink():  # long ago: one that starts just now may take its time
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return run_id


# ---- any file: another kind of thing in its place, or other bytes


def content(name: str, written: str | bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(written.encode() if isinstance(written, str) else written)


def changed(name: str, change: Callable[[bytes], bytes]) -> Spoil:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def missing(name: str) -> Spoil:
    return lambda folder: _remove(folder / name)


def a_folder(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        _remove(folder / name)
        (folder / name).mkdir()
        (folder / name / "inside.txt").write_text("a file in a folder in place of a file")

    return spoil


def a_pipe(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        _remove(folder / name)
        os.mkfifo(folder / name)

    return spoil


def a_link(name: str, target: str) -> Spoil:
    """`target`: relative to the home; what is in `outside` stands beside it."""

    def spoil(folder: Path) -> None:
        _remove(folder / name)
        (folder / name).symlink_to(folder.parent / target)

    return spoil


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


# ---- run.json

DEEP = "[" * 100_000 + "]" * 100_000
ODD_TEXT = "a\u0000b\u001b[31m\u202e\nc\u2028d\u0085e"  # what a terminal or a page would act on


def facts(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """`change` may change the values in place."""

    def spoil(folder: Path) -> None:
        values = json.loads((folder / "run.json").read_text())
        change(values)
        (folder / "run.json").write_text(json.dumps(values))

    return spoil


def fact(field: str, value: object) -> Spoil:
    return facts(lambda values: values.update({field: value}))


def raw_fact(field: str, text: str) -> Spoil:
    """The value as it stands in the file, such as 1e999."""

    def spoil(folder: Path) -> None:
        values = json.loads((folder / "run.json").read_text()) | {field: "PLACE"}
        (folder / "run.json").write_text(json.dumps(values).replace('"PLACE"', text))

    return spoil


def inside(part: str, field: str, value: object) -> Spoil:
    return facts(lambda values: values[part].update({field: value}))


def worker(state: str, pid: object, started: object = 0.0) -> Spoil:
    return facts(lambda values: values.update(state=state, worker={"pid": pid, "started": started}))


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


RUN_JSON = {
    "json-missing": Odd(missing("run.json"), "damaged"),
    "json-empty": Odd(content("run.json", ""), "damaged"),
    "json-text": Odd(content("run.json", "not JSON at all"), "damaged"),
    "json-list": Odd(content("run.json", "[]"), "damaged"),
    "json-number": Odd(content("run.json", "12"), "damaged"),
    "json-string": Odd(content("run.json", '"schema_version"'), "damaged"),
    "json-null": Odd(content("run.json", "null"), "damaged"),
    "json-cut": Odd(changed("run.json", lambda old: old[: len(old) // 2]), "damaged"),
    "json-zeros": Odd(changed("run.json", lambda old: bytes(len(old))), "damaged"),
    "json-not-utf8": Odd(changed("run.json", lambda old: old.replace(b"plain8", b"plain8\xff\xfe")), "damaged"),
    "json-utf16": Odd(changed("run.json", lambda old: old.decode().encode("utf-16"))),
    "json-byte-order-mark": Odd(changed("run.json", lambda old: b"\xef\xbb\xbf" + old)),
    "json-20-mb": Odd(raw_fact("title", '"' + "x" * 20_000_000 + '"'), "damaged"),
    "json-20-mb-of-spaces": Odd(changed("run.json", lambda old: old + b" " * 20_000_000)),
    "json-only-lists-100000": Odd(content("run.json", DEEP), "damaged"),
    "json-nested-900": Odd(raw_fact("environment", nested(900)), "damaged"),
    "json-nested-100000": Odd(raw_fact("environment", nested(100_000)), "damaged"),
    "json-recipe-nested-900": Odd(facts(lambda values: values["recipe"].update(x=json.loads(nested(900)))), "damaged"),
    "json-lists-900": Odd(raw_fact("reason", "[" * 900 + "]" * 900), "damaged"),
    "json-key-twice": Odd(changed("run.json", lambda old: old.replace(b"{", b'{"seed": 3, "state": "failed",', 1))),
    "json-unknown-key": Odd(fact("another", 1), "damaged"),
    "json-unknown-key-odd": Odd(fact(ODD_TEXT, ODD_TEXT), "damaged"),
    "json-newer": Odd(fact("schema_version", 999), "damaged"),
    "json-version-odd": Odd(fact("schema_version", ODD_TEXT), "damaged"),
    "json-folder": Odd(a_folder("run.json"), "damaged"),
    "json-pipe": Odd(a_pipe("run.json"), "damaged"),
    "json-link-outside": Odd(a_link("run.json", "../outside/run/run.json"), "damaged"),
    "json-link-to-secret": Odd(a_link("run.json", "../outside/secret.txt"), "damaged"),
    "json-link-to-itself": Odd(a_link("run.json", "odd-json-link-to-itself/run.json"), "damaged"),
    "json-link-to-zeros": Odd(a_link("run.json", "../outside/zeros.bin"), "damaged"),
    "json-order-huge": Odd(raw_fact("order", "9" * 30)),
    "json-order-5000-digits": Odd(raw_fact("order", "9" * 5000), "damaged"),
    "json-seed-5000-digits": Odd(raw_fact("seed", "9" * 5000), "damaged"),
    "json-seed-huge": Odd(raw_fact("seed", "9" * 30)),
    "json-queued-infinite": Odd(raw_fact("queued", "1e999"), "damaged"),
    "json-queued-nan": Odd(raw_fact("queued", "NaN"), "damaged"),
    "json-environment-nan": Odd(raw_fact("environment", '{"a": NaN, "b": -Infinity, "c": 1e999}')),
    "json-environment-5000-digits": Odd(raw_fact("environment", '{"a": ' + "9" * 5000 + "}"), "damaged"),
    "json-environment-odd": Odd(fact("environment", {ODD_TEXT: ODD_TEXT, "\ud800": "\udfff"})),
    "json-title-odd": Odd(fact("title", ODD_TEXT)),
    "json-title-surrogate": Odd(fact("title", "half of a pair: \ud800")),
    "json-title-long": Odd(fact("title", "x" * 100_000)),
    "json-title-markdown": Odd(fact("title", "<script>alert(1)</script> [a](javascript:b) $\\frac{1}{$ :red[**")),
    "json-reason-odd": Odd(facts(lambda values: values.update(state="failed", reason=ODD_TEXT))),
    "json-reason-surrogate": Odd(facts(lambda values: values.update(state="failed", reason="\udfff"))),
    "json-initial-odd": Odd(fact("initial", ODD_TEXT)),
    "json-initial-outside": Odd(fact("initial", "../../outside/secret.txt")),
    "json-data-odd": Odd(fact("data", ODD_TEXT)),
    "json-data-unknown": Odd(fact("data", "nothing-known")),
    "json-data-folder": Odd(fact("data", "folder:/nowhere/at/all")),
    "json-data-folder-outside": Odd(fact("data", "folder:../outside")),
    "json-id-odd": Odd(fact("id", ODD_TEXT)),
    "json-id-outside": Odd(fact("id", "../../outside/run")),
    "json-id-another": Odd(fact("id", "20200101-000000-aaaaaa-plain8-s0")),
    "json-experiment-odd": Odd(fact("experiment", ODD_TEXT)),
    "json-experiment-outside": Odd(fact("experiment", "../../outside/run")),
    "json-experiment-absolute": Odd(fact("experiment", "/outside/run")),
    "json-experiment-empty": Odd(fact("experiment", "")),
    "json-experiment-long": Odd(fact("experiment", "e" * 5000)),
    "json-experiment-lock": Odd(fact("experiment", "supervisor.lock")),
    "json-created-year-1": Odd(fact("created", "0001-01-01T00:00:00Z")),
    "json-created-year-1-east": Odd(fact("created", "0001-01-01T00:00:00+14:00")),
    "json-created-year-9999": Odd(fact("created", "9999-12-31T23:59:59Z")),
    "json-created-year-9999-west": Odd(fact("created", "9999-12-31T23:59:59-14:00")),
    "json-created-no-zone": Odd(fact("created", "2026-01-01T00:00:00")),
    "json-created-odd-zone": Odd(fact("created", "2026-01-01T00:00:00+23:59")),
    "json-created-text": Odd(fact("created", "yesterday"), "damaged"),
    "json-created-number": Odd(fact("created", 1e18)),
    "json-created-huge": Odd(raw_fact("created", "1e308"), "damaged"),
    "json-created-empty": Odd(fact("created", ""), "damaged"),
    "json-starting-pid-negative": Odd(worker("starting", -5), of="paused"),
    "json-starting-pid-0": Odd(worker("starting", 0), of="paused"),
    "json-starting-pid-1": Odd(worker("starting", 1), of="paused"),
    "json-starting-pid-huge": Odd(worker("starting", 10**30), of="paused"),
    "json-starting-pid-2-to-31": Odd(worker("starting", 2**31), of="paused"),
    "json-starting-pid-text": Odd(worker("starting", "init"), "damaged", of="paused"),
    "json-running-pid-negative": Odd(worker("running", -5), of="paused"),
    "json-running-pid-0": Odd(worker("running", 0), of="paused"),
    "json-running-pid-huge": Odd(worker("running", 10**30), of="paused"),
    "json-running-started-huge": Odd(worker("running", 1, 1e300), of="paused"),
    "json-starting-in-10-years": Odd(
        facts(lambda values: values.update(state="starting", worker=None, queued=2_100_000_000.0)), of="paused"
    ),
    "json-network-name": Odd(fact("network", "plain8"), "damaged"),
    "json-network-empty": Odd(fact("network", {}), "damaged"),
    "json-network-shortcut": Odd(inside("network", "shortcut", "Z"), "damaged"),
    "json-network-shortcut-odd": Odd(inside("network", "shortcut", ODD_TEXT), "damaged"),
    "json-network-unknown-key": Odd(inside("network", "colour", "red"), "damaged"),
    "json-network-depth-text": Odd(inside("network", "depth", "eight"), "damaged"),
    "json-network-depth-negative": Odd(inside("network", "depth", -8), "damaged"),
    "json-network-depth-0": Odd(inside("network", "depth", 0), "damaged"),
    "json-network-depth-huge": Odd(inside("network", "depth", 6 * 10**15 + 2)),
    "json-network-depth-million": Odd(inside("network", "depth", 6 * 10**6 + 2)),
    "json-network-width-huge": Odd(inside("network", "width", 10**12), "damaged"),
    "json-network-width-another": Odd(inside("network", "width", 4)),
    "json-network-classes-huge": Odd(inside("network", "classes", 10**12)),
    "json-network-classes-another": Odd(inside("network", "classes", 7)),
    "json-network-channels-huge": Odd(inside("network", "channels", 10**9)),
    "json-network-channels-another": Odd(inside("network", "channels", 3)),
    "json-network-stages-text": Odd(inside("network", "stages", "many"), "damaged"),
    "json-network-stages-huge": Odd(inside("network", "stages", [10**9] * 6), "damaged"),
    "json-network-growth-text": Odd(inside("network", "growth", "fast"), "damaged"),
    "json-network-widths-odd": Odd(
        facts(lambda values: values["network"].update(group_width=True, groups="x")), "damaged"
    ),
    "json-recipe-empty": Odd(fact("recipe", {}), "damaged"),
    "json-recipe-steps-text": Odd(inside("recipe", "steps", "ten"), "damaged"),
    "json-recipe-steps-null": Odd(inside("recipe", "steps", None), "damaged"),
    "json-recipe-steps-true": Odd(inside("recipe", "steps", True), "damaged"),
    "json-recipe-steps-negative": Odd(inside("recipe", "steps", -10), "damaged"),
    "json-recipe-steps-0": Odd(inside("recipe", "steps", 0), "damaged"),
    "json-recipe-steps-huge": Odd(inside("recipe", "steps", 10**400), "damaged"),
    "json-recipe-steps-fewer": Odd(inside("recipe", "steps", 3)),
    "json-recipe-steps-more": Odd(inside("recipe", "steps", 10**12)),
    "json-recipe-schedule": Odd(inside("recipe", "schedule", "no such schedule")),
    "json-recipe-normalisation": Odd(inside("recipe", "normalisation", 3)),
    "json-recipe-image-size-text": Odd(inside("recipe", "image_size", "large")),
    "json-recipe-image-size-huge": Odd(inside("recipe", "image_size", 10**9)),
    "json-recipe-rate-text": Odd(inside("recipe", "learning_rate", "fast")),
    "json-recipe-rate-huge": Odd(inside("recipe", "learning_rate", 1e308)),
    "json-recipe-batch-huge": Odd(inside("recipe", "batch_size", 10**12)),
    "json-recipe-unknown-key": Odd(inside("recipe", ODD_TEXT, ODD_TEXT)),
    "json-hash-odd": Odd(fact("checkpoint_sha256", ODD_TEXT)),
    "json-fingerprint-another": Odd(fact("data_fingerprint", "0" * 64), of="paused"),
}

WRONG = {
    "text": "a text",
    "number": 7.5,
    "true": True,
    "null": None,
    "list": [1, "two", None],
    "dict": {"a": {"b": "c"}},
    "negative": -5,
    "huge": 1e300,
}


def _wrong_fields() -> dict[str, Odd]:
    """Every field of run.json given each of the values above that is of none of its types."""
    free_text = ("title", "reason", "data_fingerprint", "checkpoint_sha256", "initial", "initial_sha256", "data")
    found = {}
    for field in RunFacts.model_fields:
        for kind, value in WRONG.items():
            may_be = (
                (kind == "text" and field in free_text)
                or (kind == "dict" and field == "environment")
                or (kind == "null" and field == "worker")
            )
            if not may_be:
                listed = "damaged" if kind in ("list", "dict") else "either"
                found[f"field-{field.replace('_', '-')}-{kind}"] = Odd(fact(field, value), listed)
    return found


# ---- metrics.db

COLUMNS = ", ".join(tables.METRICS)
VALUES = "(0, NULL, NULL, NULL, 0.0, 0.9, 0.9, NULL), (1, 2.3, 0.5, 0.1, 0.2, 0.8, 0.8, 100.0)"
ENDLESS = "WITH RECURSIVE n(step) AS (SELECT 0 UNION ALL SELECT step + 1 FROM n)"
OTHERS = ", ".join(f"0.0 AS {name}" for name in tables.METRICS[1:])


def sql(*statements: str) -> Spoil:
    def spoil(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "metrics.db", isolation_level=None)) as database:
            for statement in statements:
                database.execute(statement)

    return spoil


def table(definition: str, values: str = VALUES) -> Spoil:
    """Another table of metrics in place of the usual one."""
    return sql("DROP TABLE metrics", f"CREATE TABLE metrics ({definition})", f"INSERT INTO metrics VALUES {values}")


def loose(step: str) -> Spoil:
    """A table that takes anything as a step, with one row."""
    return table(COLUMNS, f"({step}, 2.3, 0.5, 0.1, 0.2, 0.8, 0.8, 100.0)")


def last(**values: str) -> Spoil:
    """Other values in the last row."""
    assigned = ", ".join(f"{column} = {value}" for column, value in values.items())
    return sql(f"UPDATE metrics SET {assigned} WHERE step = (SELECT max(step) FROM metrics)")


def foreign_journal(folder: Path) -> None:
    """The write-ahead journal of another database beside the file."""
    other = folder.parent / "other.db"
    with closing(sqlite3.connect(other)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"CREATE TABLE metrics ({COLUMNS})")
        database.execute(f"INSERT INTO metrics VALUES {VALUES}")
        database.commit()
        shutil.copy(f"{other}-wal", folder / "metrics.db-wal")
    other.unlink()


def wal_mode(folder: Path) -> None:
    sql("PRAGMA journal_mode=WAL")(folder)
    foreign_journal(folder)


def zeros(start: float, length: int = 4096) -> Spoil:
    """`start`: as a part of the file."""

    def change(old: bytes) -> bytes:
        place = int(len(old) * start)
        return old[:place] + bytes(min(length, len(old) - place)) + old[place + length :]

    return changed("metrics.db", change)


def cut(part: float) -> Spoil:
    return changed("metrics.db", lambda old: old[: int(len(old) * part)])


METRICS = {
    "db-missing": Odd(missing("metrics.db")),
    "db-empty": Odd(content("metrics.db", "")),
    "db-text": Odd(content("metrics.db", "step,loss\n0,1\n" * 1000), "damaged"),
    "db-header-alone": Odd(content("metrics.db", b"SQLite format 3\0"), "damaged"),
    "db-folder": Odd(a_folder("metrics.db"), "damaged"),
    "db-pipe": Odd(a_pipe("metrics.db"), "damaged"),
    "db-link-outside": Odd(a_link("metrics.db", "../outside/run/metrics.db"), "damaged"),
    "db-link-to-secret": Odd(a_link("metrics.db", "../outside/secret.txt"), "damaged"),
    "db-link-to-nothing": Odd(a_link("metrics.db", "../outside/nothing")),
    **{f"db-cut-{part}": Odd(cut(part)) for part in (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)},
    **{f"db-zeros-at-{start}": Odd(zeros(start)) for start in (0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9)},
    "db-other-page-size": Odd(changed("metrics.db", lambda old: old[:16] + b"\x02\x00" + old[18:])),
    "db-other-encoding": Odd(changed("metrics.db", lambda old: old[:59] + b"\x02" + old[60:])),
    "db-no-table": Odd(sql("DROP TABLE metrics"), "damaged"),
    "db-table-of-others": Odd(table("a, b", "(1, 2)"), "damaged"),
    "db-fewer-columns": Odd(table("step INTEGER PRIMARY KEY, loss", "(1, 2.0)"), "damaged"),
    "db-more-columns": Odd(sql("ALTER TABLE metrics ADD COLUMN another")),
    "db-view": Odd(sql("ALTER TABLE metrics RENAME TO kept", "CREATE VIEW metrics AS SELECT * FROM kept"), "damaged"),
    "db-endless-view": Odd(
        sql("DROP TABLE metrics", f"CREATE VIEW metrics AS {ENDLESS} SELECT step, {OTHERS} FROM n"), "damaged"
    ),
    "db-endless-view-of-layers": Odd(
        sql("DROP TABLE layers", f"CREATE VIEW layers AS {ENDLESS} SELECT step, 1 AS layer FROM n")
    ),
    "db-view-of-itself": Odd(sql("DROP TABLE metrics", "CREATE VIEW metrics AS SELECT * FROM metrics"), "damaged"),
    "db-huge-value-view": Odd(
        sql("DROP TABLE metrics", f"CREATE VIEW metrics AS SELECT zeroblob(100000000) AS step, {OTHERS}"), "damaged"
    ),
    "db-trigger": Odd(sql("CREATE TRIGGER t AFTER INSERT ON metrics BEGIN DELETE FROM metrics; END")),
    "db-trigger-endless": Odd(
        sql(
            "CREATE TABLE many (n)",
            f"CREATE TRIGGER t BEFORE DELETE ON metrics BEGIN INSERT INTO many {ENDLESS} SELECT step FROM n; END",
        )
    ),
    "db-generated-column": Odd(
        table(COLUMNS.replace("loss", "loss REAL GENERATED ALWAYS AS (step * 2)"), "(1, 1, 1, 1, 1, 1, 1)"), "damaged"
    ),
    "db-generated-huge": Odd(
        table(
            COLUMNS.replace("test_error", "test_error GENERATED ALWAYS AS (hex(zeroblob(50000000)))"),
            "(1, 1, 1, 1, 1, 1, 1)",
        ),
        "damaged",
    ),
    "db-virtual-table": Odd(
        sql("DROP TABLE metrics", f"CREATE VIRTUAL TABLE metrics USING fts5({COLUMNS})"), "damaged"
    ),
    "db-extra-virtual-table": Odd(sql("CREATE VIRTUAL TABLE extra USING fts5(a)")),
    "db-extra-table": Odd(sql("CREATE TABLE extra (a)", "INSERT INTO extra VALUES (1)")),
    "db-extra-index": Odd(sql("CREATE INDEX extra ON metrics (loss)")),
    "db-partial-index": Odd(sql("CREATE INDEX extra ON metrics (loss) WHERE abs(loss) > 1")),
    "db-unknown-function-index": Odd(
        sql(
            "PRAGMA writable_schema=ON",
            "CREATE INDEX extra ON metrics (loss)",
            "UPDATE sqlite_master SET sql = 'CREATE INDEX extra ON metrics (no_such(loss))' WHERE name = 'extra'",
        )
    ),
    "db-schema-odd": Odd(
        sql("PRAGMA writable_schema=ON", "UPDATE sqlite_master SET sql = 'nonsense' WHERE name = 'metrics'"), "damaged"
    ),
    "db-schema-root-page": Odd(
        sql("PRAGMA writable_schema=ON", "UPDATE sqlite_master SET rootpage = 9999 WHERE name = 'metrics'"), "damaged"
    ),
    "db-without-key": Odd(table(COLUMNS)),
    "db-step-text": Odd(loose("'ten'"), "damaged"),
    "db-step-null": Odd(loose("NULL"), "damaged"),
    "db-step-blob": Odd(loose("x'00ff'"), "damaged"),
    "db-step-part": Odd(loose("1.5")),
    "db-step-infinite": Odd(loose("1e999"), "damaged"),
    "db-step-digits": Odd(loose("'5'")),
    "db-step-not-utf8": Odd(loose("CAST(x'ff' AS TEXT)"), "damaged"),
    "db-step-2-to-62": Odd(sql("UPDATE metrics SET step = 4611686018427387904 WHERE step = 5")),
    "db-step-negative": Odd(sql("UPDATE metrics SET step = -5 WHERE step = 5")),
    "db-steps-twice": Odd(table(COLUMNS, f"{VALUES}, {VALUES}")),
    "db-many-steps-missing": Odd(sql("DELETE FROM metrics WHERE step BETWEEN 2 AND 8")),
    "db-no-rows": Odd(sql("DELETE FROM metrics")),
    "db-error-huge": Odd(last(test_error="1e300", train_error="1e300")),
    "db-error-infinite": Odd(last(test_error="1e999", train_error="-1e999")),
    "db-error-negative": Odd(last(test_error="-1", train_error="-1")),
    "db-error-text": Odd(last(test_error="'half'", train_error="'half'"), "damaged"),
    "db-error-blob": Odd(last(test_error="x'00ff'", train_error="x'00ff'"), "damaged"),
    "db-error-not-utf8": Odd(last(test_error="CAST(x'ff' AS TEXT)"), "damaged"),
    "db-loss-text": Odd(last(loss="'much'")),
    "db-loss-blob": Odd(last(loss="zeroblob(1000)")),
    "db-loss-infinite": Odd(last(loss="1e999")),
    "db-seconds-text": Odd(last(seconds="'long'"), "damaged"),
    "db-seconds-huge": Odd(last(seconds="1e300")),
    "db-seconds-negative": Odd(last(seconds="-1e300")),
    "db-rate-blob": Odd(last(learning_rate="x'ff'"), "damaged"),
    "db-speed-text": Odd(last(images_per_second="'fast'"), "damaged"),
    "db-layers-text": Odd(sql("UPDATE layers SET response_std = 'wide'")),
    "db-layers-name-blob": Odd(sql("UPDATE layers SET name = x'ff'")),
    "db-layers-name-odd": Odd(sql("UPDATE layers SET name = char(27, 0, 8238, 10)")),
    "db-layers-others": Odd(sql("DROP TABLE layers", "CREATE TABLE layers (a)", "INSERT INTO layers VALUES (1)")),
    "db-layers-stage-text": Odd(
        sql(
            "CREATE TABLE other AS SELECT * FROM layers",
            "DROP TABLE layers",
            "ALTER TABLE other RENAME TO layers",
            "UPDATE layers SET stage = 'first', step = 'x'",
        )
    ),
    "db-blocks-infinite": Odd(sql("UPDATE blocks SET branch_ratio = 1e999, cosine = -1e999")),
    "db-blocks-missing": Odd(sql("DROP TABLE blocks")),
    "db-foreign-journal": Odd(foreign_journal),
    "db-foreign-journal-used": Odd(wal_mode),
    "db-journal-zeros": Odd(content("metrics.db-wal", bytes(100_000))),
    "db-journal-folder": Odd(a_folder("metrics.db-wal")),
    "db-rollback-journal": Odd(content("metrics.db-journal", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(4096))),
    "db-shared-memory-odd": Odd(lambda folder: (wal_mode(folder), content("metrics.db-shm", b"\xff" * 32768)(folder))),
}

# ---- snapshots, checkpoint, requests, locks, log

LAST_KEPT = "snapshots/step-0000005.pt"

STATES = {
    "snapshots-missing": Odd(missing("snapshots"), of="paused"),
    "snapshots-file": Odd(
        lambda folder: (_remove(folder / "snapshots"), (folder / "snapshots").write_text("a file")), of="paused"
    ),
    "snapshots-pipe": Odd(a_pipe("snapshots"), of="paused"),
    "snapshots-link-outside": Odd(a_link("snapshots", "../outside/run/snapshots"), of="paused"),
    "snapshots-name-huge": Odd(content("snapshots/step-99999999999999999999.pt", "x"), of="paused"),
    "snapshots-name-5000-digits": Odd(content(f"snapshots/step-{'9' * 200}.pt", "x"), of="paused"),
    "snapshots-name-full-width": Odd(content("snapshots/step-００５.pt", "x"), of="paused"),
    "snapshots-name-odd": Odd(content("snapshots/\x1b[31m\n.pt", "x"), of="paused"),
    "snapshots-name-short": Odd(content("snapshots/step-7.pt", "x"), of="paused"),
    "snapshots-all-empty": Odd(
        lambda folder: [file.write_bytes(b"") for file in (folder / "snapshots").iterdir()], of="paused"
    ),
    "snapshots-last-empty": Odd(content(LAST_KEPT, ""), of="paused"),
    "snapshots-last-folder": Odd(a_folder(LAST_KEPT), of="paused"),
    "snapshots-last-pipe": Odd(a_pipe(LAST_KEPT), of="paused"),
    "snapshots-last-link-outside": Odd(a_link(LAST_KEPT, "../outside/run/snapshots/step-0000005.pt"), of="paused"),
    "snapshots-last-link-to-secret": Odd(a_link(LAST_KEPT, "../outside/secret.txt"), of="paused"),
    "snapshots-last-of-another-step": Odd(
        lambda folder: shutil.copy(folder / "snapshots/step-0000001.pt", folder / LAST_KEPT), of="paused"
    ),
    "latest-empty": Odd(content("snapshots/latest.pt", ""), of="paused"),
    "latest-cut": Odd(changed("snapshots/latest.pt", lambda old: old[: len(old) // 2]), of="paused"),
    "latest-text": Odd(content("snapshots/latest.pt", "no weights"), of="paused"),
    "latest-bit": Odd(changed("snapshots/latest.pt", lambda old: old[:150] + b"\xff" + old[151:]), of="paused"),
    "latest-folder": Odd(a_folder("snapshots/latest.pt"), of="paused"),
    "latest-pipe": Odd(a_pipe("snapshots/latest.pt"), of="paused"),
    "latest-link-outside": Odd(a_link("snapshots/latest.pt", "../outside/run/snapshots/step-0000005.pt"), of="paused"),
    "checkpoint-facts-missing": Odd(missing("checkpoint.json")),
    "checkpoint-facts-empty": Odd(content("checkpoint.json", "")),
    "checkpoint-facts-list": Odd(content("checkpoint.json", "[]")),
    "checkpoint-facts-null": Odd(content("checkpoint.json", "null")),
    "checkpoint-facts-nested": Odd(content("checkpoint.json", DEEP)),
    "checkpoint-facts-nested-900": Odd(content("checkpoint.json", f'{{"recipe": {nested(900)}}}')),
    "checkpoint-facts-not-utf8": Odd(content("checkpoint.json", b'{"source": "\xff"}')),
    "checkpoint-facts-20-mb": Odd(content("checkpoint.json", '{"source": "' + "x" * 20_000_000 + '"}')),
    "checkpoint-facts-network-text": Odd(content("checkpoint.json", '{"network": "resnet20"}')),
    "checkpoint-facts-folder": Odd(a_folder("checkpoint.json")),
    "checkpoint-facts-pipe": Odd(a_pipe("checkpoint.json")),
    "checkpoint-facts-link-outside": Odd(a_link("checkpoint.json", "../outside/run/checkpoint.json")),
    "checkpoint-empty": Odd(content("checkpoint.safetensors", "")),
    "checkpoint-text": Odd(content("checkpoint.safetensors", "no weights")),
    "checkpoint-bit": Odd(changed("checkpoint.safetensors", lambda old: old[:-1] + bytes([old[-1] ^ 1]))),
    "checkpoint-huge-header": Odd(content("checkpoint.safetensors", b"\xff" * 7 + b"\x7f" + b"{}")),
    "checkpoint-folder": Odd(a_folder("checkpoint.safetensors")),
    "checkpoint-pipe": Odd(a_pipe("checkpoint.safetensors")),
    "checkpoint-link-outside": Odd(a_link("checkpoint.safetensors", "../outside/secret.txt")),
    "initial-facts-odd": Odd(content("initial.json", DEEP)),
    "initial-pipe": Odd(a_pipe("initial.safetensors")),
    "control-nested": Odd(content("control.json", DEEP), of="paused"),
    "control-list": Odd(content("control.json", "[]"), of="paused"),
    "control-not-utf8": Odd(content("control.json", b"\xff"), of="paused"),
    "control-odd": Odd(content("control.json", json.dumps({"action": ["stop"]})), of="paused"),
    "control-20-mb": Odd(content("control.json", "[" + "1," * 10_000_000 + "1]"), of="paused"),
    "control-folder": Odd(a_folder("control.json"), of="paused"),
    "control-pipe": Odd(a_pipe("control.json"), of="paused"),
    "control-link-outside": Odd(a_link("control.json", "../outside/secret.txt"), of="paused"),
    "run-lock-folder": Odd(a_folder("run.lock"), of="paused"),
    "run-lock-pipe": Odd(a_pipe("run.lock"), of="paused"),
    "run-lock-link-outside": Odd(a_link("run.lock", "../outside/secret.txt"), of="paused"),
    "run-lock-folder-running": Odd(
        lambda folder: (a_folder("run.lock")(folder), fact("state", "running")(folder)), of="paused"
    ),
    "run-lock-link-running": Odd(
        lambda folder: (a_link("run.lock", "../outside/secret.txt")(folder), fact("state", "running")(folder)),
        of="paused",
    ),
    "facts-lock-folder": Odd(a_folder("facts.lock"), of="paused"),
    "facts-lock-pipe": Odd(a_pipe("facts.lock"), of="paused"),
    "facts-lock-link-outside": Odd(a_link("facts.lock", "../outside/secret.txt"), of="paused"),
    "log-missing": Odd(missing("worker.log")),
    "log-folder": Odd(a_folder("worker.log")),
    "log-pipe": Odd(a_pipe("worker.log")),
    "log-binary": Odd(content("worker.log", bytes(range(256)) * 200)),
    "log-50-mb": Odd(lambda folder: os.truncate(folder / "worker.log", 50_000_000)),
    "log-link-outside": Odd(a_link("worker.log", "../outside/secret.txt")),
    "log-link-to-zeros": Odd(a_link("worker.log", "../outside/zeros.bin")),
    "extra-file": Odd(content("notes.txt", "mine")),
    "extra-pipe": Odd(a_pipe("another")),
}

# Only where a file can be unreadable: for root none is.
UNREADABLE = (
    {}
    if os.geteuid() == 0
    else {
        "json-unreadable": Odd(lambda folder: (folder / "run.json").chmod(0), "damaged"),
        "db-unreadable": Odd(lambda folder: (folder / "metrics.db").chmod(0), "damaged"),
        "snapshots-unreadable": Odd(lambda folder: (folder / "snapshots").chmod(0), of="paused"),
        "log-unreadable": Odd(lambda folder: (folder / "worker.log").chmod(0)),
    }
)

ODD = RUN_JSON | _wrong_fields() | METRICS | STATES | UNREADABLE
assert len(ODD) >= 150
