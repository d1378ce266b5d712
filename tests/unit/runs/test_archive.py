"""Zips that were made to do harm: nothing is written elsewhere, nothing of ours is joined, replaced or deleted."""

import json
import os
import shutil
import stat
import zipfile

import pytest

from explorer.errors import RunError, StorageError
from explorer.runs import archive, arrival, joining, trash
from explorer.runs.experiments import experiment, list_experiments, set_aside
from explorer.runs.store import MARKER, list_runs, read_run, run_folder
from explorer.runs.tidying import tidy
from explorer.runs.transfer import export, import_files, import_zip
from explorer.scratch import temporary_folder


@pytest.fixture
def good(make_run, tmp_path):
    """A zip of one run, whose experiment is gone from here: its members by name."""
    make_run("plain8", experiment="20260101-000000-abcdef")
    path = export("20260101-000000-abcdef", tmp_path)
    trash.discard(set_aside("20260101-000000-abcdef"))
    with zipfile.ZipFile(path) as archive:
        return {entry.filename.partition("/")[2]: archive.read(entry) for entry in archive.infolist()}


@pytest.fixture
def evil(good, tmp_path):
    """Makes a zip of the run with other facts, in a folder of its id."""

    def made(**changes):
        facts = json.loads(good["run.json"]) | changes
        path = tmp_path / "evil.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{facts['id']}/run.json", json.dumps(facts))
            archive.writestr(f"{facts['id']}/metrics.db", good["metrics.db"])
        return path

    return made


@pytest.mark.parametrize(
    "name", ["../../../evil", "/etc/evil", "a/b", "..", ".", "", "x" * 200, "a\nb", "é", "a\\b", 7, None]
)
@pytest.mark.parametrize("field", ["id", "experiment"])
def test_ids_that_are_none_are_refused(evil, home, field, name):
    with pytest.raises(RunError, match="run.json of .* is not valid|which no exported experiment has"):
        import_zip(evil(**{field: name}))
    assert [each for each in home.iterdir() if each.is_dir()] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "supervisor.lock", "experiment": "x"},
        {"id": "folders.json"},
        {"id": "checkpoints"},
        {"experiment": "shipped-digits"},
        {"id": "shipped-evil-plain8-s0", "experiment": "shipped-evil"},
        {"experiment": "20260202-000000-aaaaaa"},
        {"seed": 3},
    ],
)
def test_ids_that_are_not_as_made_here_are_replaced(evil, changes):
    found = experiment(import_zip(evil(**changes)))
    assert found.id not in ("x", *changes.values())
    assert found.run_ids == (f"{found.id}-plain8-s{found.seeds[0]}",)
    assert found.runs[0].facts.notice.startswith("Imported; where it was exported it is called")


def test_a_run_of_ours_is_neither_joined_nor_deleted_with_the_imported_one(evil, make_run):
    mine = make_run("resnet8", experiment="e1")
    imported = import_zip(evil(id="e1-plain8-s0", experiment="e1"))
    assert imported != "e1"
    trash.discard(set_aside(imported))
    assert read_run(mine).state == "finished"


def test_shipped_runs_are_neither_joined_nor_deleted(evil, make_run, shipped):
    facts = json.loads((run_folder(make_run("resnet8", experiment="s")) / "run.json").read_text())
    folder = shipped / "shipped-digits-resnet8"
    shutil.move(run_folder("s-resnet8-s0"), folder)
    (folder / "run.json").write_text(json.dumps(facts | {"id": folder.name, "experiment": "shipped-digits"}))
    trash.discard(set_aside(import_zip(evil(experiment="shipped-digits"))))
    assert [run.id for run in list_runs()] == [folder.name]
    with pytest.raises(RunError, match="came with the program"):
        trash.discard(set_aside("shipped-digits"))


def test_a_second_import_is_recognised_by_content_whatever_it_is_called(evil):
    first = import_zip(evil())
    with pytest.raises(RunError, match=f"evil.zip is here already, as {first}"):
        import_zip(evil(id="another-plain8-s0", experiment="another", title="Another"))
    assert [each.id for each in list_experiments()] == [first]


def test_an_imported_run_keeps_ids_that_are_free(evil):
    assert import_zip(evil()) == "20260101-000000-abcdef"
    assert (run_folder("20260101-000000-abcdef-plain8-s0") / MARKER).is_file()


def test_a_live_state_or_process_does_not_come_along(evil):
    worker = {"pid": 1, "started": 0.0}
    found = experiment(import_zip(evil(state="running", worker=worker, queued=1e11, number=10**11)))
    assert (found.state, found.runs[0].facts.worker, found.runs[0].facts.number) == ("paused", None, 1)


def test_the_page_hands_over_an_open_file(evil, home):
    with evil().open("rb") as file:
        assert import_zip(file, "mine.zip") == "20260101-000000-abcdef"
    with evil().open("rb") as file, pytest.raises(RunError, match="mine.zip is here already"):
        import_zip(file, "mine.zip")
    assert len(list(home.iterdir())) == 1


RUN = "20260101-000000-abcdef-plain8-s0"


def deflated_wrongly(path):
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(content)


ODD_ZIPS = {
    "bzip2": {"compress_type": zipfile.ZIP_BZIP2},
    "lzma": {"compress_type": zipfile.ZIP_LZMA},
    "a broken deflate stream": {"compress_type": zipfile.ZIP_DEFLATED, "then": deflated_wrongly},
    "twice": {"names": [f"{RUN}/run.json"] * 2},
    "twice but for capitals": {"names": [f"{RUN}/run.json", f"{RUN.upper()}/run.json"]},
    "a backslash": {"names": [f"{RUN}\\run.json"]},
    "a drive": {"names": ["C:/run.json"]},
    "a marker": {"names": [f"{RUN}/run.json", f"{RUN}/{MARKER}"]},
    "a lock": {"names": [f"{RUN}/run.lock"]},
    "a state of another name": {"names": [f"{RUN}/snapshots/step-1.pt.pt"]},
    "a name with a NUL": {"names": [f"{RUN}/run.json\0.txt"]},
    "deep nesting": {"content": b'{"recipe": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"},
    "a large run.json": {"content": b" " * (5 * 2**20)},
}


@pytest.mark.parametrize("odd", ODD_ZIPS.values(), ids=ODD_ZIPS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_odd_zip_is_refused_in_one_line_and_leaves_nothing(good, home, tmp_path, odd):
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in odd.get("names", [f"{RUN}/run.json"]):
            archive.writestr(name, odd.get("content", good["run.json"] * 20), odd.get("compress_type"))
    odd.get("then", lambda path: None)(path)
    with pytest.raises(RunError) as caught:
        import_zip(path)
    assert "\n" not in str(caught.value)
    assert list(home.iterdir()) == []


def test_a_link_in_a_zip_is_no_link_here(good, home, tmp_path):
    path = tmp_path / "link.zip"
    entry = zipfile.ZipInfo(f"{RUN}/worker.log")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
        for name, content in good.items():
            archive.writestr(f"{RUN}/{name}", content)
    import_zip(path)
    assert not (run_folder(RUN) / "worker.log").is_symlink()


def test_export_reads_nothing_through_a_link(make_run, tmp_path):
    run_id = make_run("plain8")
    (tmp_path / "secret").write_text("a key")
    (run_folder(run_id) / "worker.log").symlink_to(tmp_path / "secret")
    with pytest.raises(StorageError, match="worker.log is a link"):
        export("e1", tmp_path)
    assert [each.name for each in tmp_path.iterdir() if "e1" in each.name] == []


def test_a_copy_under_another_name_is_exported_as_what_it_is_called(make_run, home, tmp_path):
    folder = run_folder(make_run("plain8"))
    shutil.copytree(folder, home / "e1-plain8-s0-copy")
    path = export("e1", tmp_path)
    trash.discard(set_aside("e1"))
    assert len(experiment(import_zip(path)).runs) == 2


def test_what_is_deleted_while_it_is_exported_makes_no_zip(make_run, tmp_path, monkeypatch):
    make_run("plain8")
    pack = archive._pack_run

    def deleted_before(*arguments, **options):
        trash.discard(set_aside("e1"))
        pack(*arguments, **options)

    monkeypatch.setattr(archive, "_pack_run", deleted_before)
    with pytest.raises(RunError, match="was deleted while it was exported"):
        export("e1", tmp_path)
    assert list(tmp_path.glob("*e1*")) == []


# ---- small zips that ask for much


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files:
            opened.writestr(name, content)
    return path


def test_zeros_do_not_fill_the_disk(good, home, tmp_path):
    zeros = bytes(archive.ALWAYS_UNPACKED // 2)
    path = zipped(tmp_path / "bomb.zip", [(f"{RUN}/snapshots/step-{number}.pt", zeros) for number in range(3)])
    with pytest.raises(RunError, match="unpacks to more than the .* bytes there may be"):
        import_zip(path)
    assert list(home.iterdir()) == []


def test_more_runs_than_an_experiment_has_are_refused_before_any_is_read(good, home, tmp_path):
    path = zipped(tmp_path / "many.zip", [(f"many-plain8-s{seed}/run.json", good["run.json"]) for seed in range(1001)])
    with pytest.raises(RunError, match="holds 1,001 runs; an experiment has at most 1,000"):
        import_zip(path)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("field", ["environment", "recipe"])
@pytest.mark.parametrize("value", [{"x": [[]] * 1000}, {"x": {"y": 1}}, {str(each): each for each in range(101)}])
def test_facts_that_take_much_memory_are_refused(evil, home, field, value):
    with pytest.raises(RunError, match=f"its {field} says"):
        import_zip(evil(**{field: value | {"steps": 10, "batch_size": 16}}))


def test_a_notice_of_any_length_leaves_a_run_that_can_be_read(evil):
    found = experiment(import_zip(evil(notice="x" * 20_000, experiment="another")))
    assert found.state == "finished"


def test_settings_of_many_runs_are_compared_once_each(make_run, good, tmp_path, monkeypatch):
    for seed in range(10):
        make_run("plain8", seed=seed)
    compared = []
    settings = joining._settings
    monkeypatch.setattr(joining, "_settings", lambda facts: compared.append(facts.id) or settings(facts))
    with pytest.raises(RunError, match="is here already"):
        import_zip(export("e1", tmp_path))
    assert len(compared) <= 20


# ---- deletion


def test_a_deletion_can_be_undone_until_it_is_final(make_run, home):
    runs = [make_run("plain8"), make_run("resnet8")]
    deleted = set_aside("e1", runs)
    assert list_experiments() == []
    trash.restore(deleted)
    assert experiment("e1").run_ids == tuple(runs)
    deleted = set_aside("e1", runs)
    trash.discard(deleted)
    assert list(home.iterdir()) == []
    with pytest.raises(StorageError, match="removed for good already"):
        trash.restore(deleted)


def test_what_was_deleted_on_a_page_that_was_closed_goes_after_an_hour(make_run, home, monkeypatch):
    for name in ("old", "asked-for", "new"):
        make_run("plain8", experiment=name)
    old, asked_for = set_aside("old"), set_aside("asked-for")
    now = trash.time.monotonic() + trash.UNDO_SECONDS
    monkeypatch.setattr(trash.time, "monotonic", lambda: now)
    trash.keep_for_undo(asked_for)
    new = set_aside("new")
    trash.discard_expired()
    assert [each.folder.exists() for each in (old, asked_for, new)] == [False, True, True]


def test_only_the_runs_that_were_shown_are_deleted(make_run):
    shown = [make_run("plain8")]
    make_run("resnet8")
    with pytest.raises(RunError, match="A title has changed: it now has 2 runs of plain8.*nothing was deleted"):
        set_aside("e1", shown)
    assert len(list_runs()) == 2


def test_folders_of_the_user_are_no_runs(make_run, home):
    make_run("plain8")
    for name in ("Documents", "thesis"):
        (home / name).mkdir()
        (home / name / "run.json").write_text("{}")
    assert [run.id for run in list_runs()] == ["e1-plain8-s0"]
    with pytest.raises(RunError, match="There is no experiment 'Documents'"):
        trash.discard(set_aside("Documents"))
    with pytest.raises(RunError, match="is not a run in"):
        trash.move_aside("thesis", ["thesis"])
    assert (home / "thesis" / "run.json").exists()


def test_a_run_of_an_earlier_version_is_known_by_its_name(make_run):
    folder = run_folder(make_run("plain8", experiment="20260101-000000-abcdef"))
    (folder / MARKER).unlink()
    assert [run.id for run in list_runs()] == [folder.name]


def test_a_link_among_the_runs_is_no_run(make_run, home, tmp_path):
    folder = run_folder(make_run("plain8"))
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert list_runs() == []
    with pytest.raises(RunError, match="leads out of"):
        read_run(folder.name)


def in_a_process_that_is_killed(action):
    """Let `action` do what it does in a process of its own, which ends there."""
    child = os.fork()
    if child == 0:
        try:
            action()
        finally:
            os._exit(1)
    os.waitpid(child, 0)


def dying(*_, **__):
    os._exit(9)


def test_what_a_killed_deletion_left_is_brought_back_or_removed(make_run, home):
    for name in ("half", "whole"):
        make_run("plain8", experiment=name)
    in_a_process_that_is_killed(lambda: (set_aside("half").folder / "whole").unlink())
    in_a_process_that_is_killed(lambda: set_aside("whole"))
    assert list_runs() == []
    tidy()
    assert [each.id for each in list_experiments()] == ["half"]
    assert list(home.iterdir()) == [home / "half-plain8-s0"]


def test_half_a_deletion_makes_way_for_runs_that_came_since(make_run, home):
    for network in ("plain8", "resnet8"):
        make_run(network)
    in_a_process_that_is_killed(lambda: (set_aside("e1").folder / "whole").unlink())
    make_run("resnet8", title="came since")
    tidy()
    assert [run.facts.title for run in list_runs()] == ["A title", "came since"]
    assert len(list(home.iterdir())) == 2


def test_a_removal_that_was_killed_brings_nothing_back(make_run, home, monkeypatch):
    make_run("plain8")
    make_run("resnet8")

    def killed_early(folder, **_):
        (folder / "whole").unlink()  # files are removed in no order
        os._exit(9)

    with monkeypatch.context() as killed:
        killed.setattr(trash.shutil, "rmtree", killed_early)
        in_a_process_that_is_killed(lambda: trash.discard(set_aside("e1")))
    tidy()
    assert list(home.iterdir()) == []


def test_undoing_joins_and_replaces_nothing_that_came_since(make_run, home, tmp_path):
    runs = [make_run(network) for network in ("plain8", "resnet8")]
    deleted = set_aside("e1", runs)
    make_run("resnet8", title="came since")
    with pytest.raises(StorageError, match="e1-resnet8-s0 is there again.*Delete that one, then undo"):
        trash.restore(deleted)
    (run,) = list_runs()
    assert run.facts.title == "came since"
    trash.discard(set_aside("e1"))
    trash.restore(deleted)
    assert experiment("e1").run_ids == tuple(runs)


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_killed_import_is_finished_or_undone(make_run, home, tmp_path, monkeypatch, moved):
    for network in ("plain8", "resnet8"):
        make_run(network)
    path = export("e1", tmp_path)
    trash.discard(set_aside("e1"))
    with monkeypatch.context() as killed:
        killed.setattr(arrival, "mark" if moved else "move", dying)
        in_a_process_that_is_killed(lambda: import_zip(path))
    assert list_runs() == []  # all there, none of them marked
    (scratch,) = home.glob(".import.*")
    if moved == 1:
        run_folder("e1-resnet8-s0").rename(scratch / "e1-resnet8-s0")
    tidy()
    assert len(list_runs()) == (2 if moved == 2 else 0)
    assert len(list(home.iterdir())) == (2 if moved == 2 else 0)


def test_a_killed_import_of_a_class_joins_all_of_it_or_none(make_run, home, tmp_path, monkeypatch):
    paths = []
    for number, network in enumerate(("plain8", "resnet8"), start=1):
        make_run(network, experiment=f"student{number}")
        paths.append(export(f"student{number}", tmp_path))
        trash.discard(set_aside(f"student{number}"))
    with monkeypatch.context() as killed:
        killed.setattr(arrival, "mark", dying)
        in_a_process_that_is_killed(lambda: import_files([(path, "") for path in paths]))
    tidy()
    (found,) = list_experiments()
    assert found.networks == ("plain8", "resnet8")
    assert sorted(each.name for each in home.iterdir()) == sorted(found.run_ids)


@pytest.mark.parametrize("error", [KeyboardInterrupt, StorageError("full")])
def test_an_interrupted_import_leaves_nothing(make_run, home, tmp_path, monkeypatch, error):
    for network in ("plain8", "resnet8"):
        make_run(network, experiment="20260101-000000-abcdef")
    path = export("20260101-000000-abcdef", tmp_path)
    trash.discard(set_aside("20260101-000000-abcdef"))

    def raises(folder):
        raise error

    monkeypatch.setattr(arrival, "mark", raises)
    with pytest.raises(type(error) if isinstance(error, StorageError) else error):
        import_zip(path)
    assert list(home.iterdir()) == []


def test_a_killed_import_makes_no_run_of_a_folder_of_the_user(home):
    def left_behind():
        scratch = temporary_folder(home, arrival.PURPOSE)
        (scratch / "moved.json").write_text('["Documents"]')

    (home / "Documents").mkdir()
    in_a_process_that_is_killed(left_behind)
    tidy()
    assert list((home / "Documents").iterdir()) == []
