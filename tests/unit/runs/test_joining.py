"""A class's zips dropped together: what joins, counts once, stands apart, is refused, and the way back."""

import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from explorer.errors import RunError
from explorer.files import home as runs_home
from explorer.runs import transfer, trash
from explorer.runs.experiments import experiment, list_experiments, metrics, rename, set_aside
from explorer.runs.store import list_runs, read_run, run_folder, run_lock, update_run
from explorer.runs.transfer import export, import_files, take_back
from explorer.studies.degradation import verdict

NAME = "Depth, autumn"
MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def student(make_run, tmp_path):
    """Trains a part as a student does, on another machine; gives the zip that is handed in."""
    made = []

    def part(network="plain8", seed=0, *, name=None, end=0.5, slower=1, **facts):
        made.append(name)
        number = len(made)
        experiment_id = f"20260105-09{number:04}-{number:06x}"
        usual = {"assignment": NAME, "title": f"{NAME}: student {number:02}", "created": MONDAY + timedelta(0, number)}
        run_id = make_run(network, seed=seed, experiment=experiment_id, end=end, **usual | facts)
        with closing(sqlite3.connect(run_folder(run_id) / "metrics.db")) as database, database:
            database.execute("UPDATE metrics SET seconds = seconds * ?", (slower,))
        path = export(experiment_id, tmp_path / (name or f"student-{number:02}.zip"))
        trash.discard(set_aside(experiment_id))
        return path

    return part


def imported(*paths, **options):
    return import_files([(path, "") for path in paths], **options)


def fates(done):
    return [each.fate for each in done.outcomes]


def test_a_class_joins_one_experiment_with_a_verdict_over_all(student):
    parts = [(network, seed) for seed in range(3) for network in ("plain8", "plain14", "resnet8", "resnet14")]
    ends = {"plain8": 0.3, "plain14": 0.5, "resnet8": 0.3, "resnet14": 0.2}
    paths = [student(network, seed, end=ends[network] + 0.01 * seed) for network, seed in parts]
    done = imported(*paths)
    assert set(fates(done)) == {"joined"}
    assert done.summary() == f"12 files: 12 runs joined as {done.experiment}."
    (found,) = list_experiments()
    assert (found.id, found.title, found.state, found.seeds) == (done.experiment, NAME, "finished", (0, 1, 2))
    assert found.networks == ("plain8", "plain14", "resnet8", "resnet14"), "plain first, shallow first"
    report = verdict(found.id)
    (row,) = report.gaps[report.gaps["question"] == "degradation"].to_dict("records")
    # the errors fall evenly, so the mean over all steps of each run is halfway between 0.9 and its end
    assert (row["seeds"], row["outcome"]) == (3, "seen")
    ran = {run.facts.origin.file: run.facts for run in found.runs}
    assert set(ran) == {path.name for path in paths}
    assert {facts.origin.batch for facts in ran.values()} == {done.id}


def test_the_same_run_twice_and_the_same_numbers_under_two_names_count_once(student):
    first = student("plain8", 0)
    shutil.copy(first, first.with_name("friend.zip"))
    other = student("plain8", 0, name="neighbour.zip", slower=3)  # trained anew with the same seed: the same bits
    done = imported(first, first.with_name("friend.zip"), other, student("resnet8", 0))
    assert fates(done) == ["joined", "again", "again", "joined"]
    run = done.outcomes[0].run
    assert done.outcomes[1].remark == f"The same run as {run}, from student-01.zip: counts once."
    assert done.outcomes[2].remark == (
        f"The same seed and the same numbers as {run}, from student-01.zip: counts once."
    )
    assert len(list_runs()) == 2
    again = imported(first, other)
    assert fates(again) == ["again", "again"]
    assert again.outcomes[0].remark == f"The same run as {run}, which is here already: counts once."
    assert len(list_runs()) == 2


def test_one_seed_with_other_numbers_is_kept_and_counts_as_one_seed(student):
    done = imported(student("plain8", 0, end=0.2), student("plain8", 0, end=0.4), student("plain14", 0, end=0.6))
    assert set(fates(done)) == {"joined"}
    assert "with other numbers, as another machine or version gives" in done.outcomes[1].remark
    ends = verdict(done.experiment).ends
    (gap,) = verdict(done.experiment).gaps.to_dict("records")
    mean = ends[ends["network"] == "plain8"]["train_error"].mean()
    assert gap["seeds"] == 1
    assert gap["against_error"] == pytest.approx(mean)
    assert len({run.id for run in list_runs()}) == 3


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"recipe": {"learning_rate": 0.05}}, "learning_rate 0.05, in the others 0.1"),
        ({"steps": 20}, "steps 20, in the others 10"),
        ({"data": "mnist"}, "data mnist, in the others digits"),
        ({"data_fingerprint": "f" * 64}, "other pictures or labels under the same name of the data"),
        ({"assignment": "Width"}, "assignment Width, in the others Depth, autumn"),
    ],
)
def test_what_does_not_compare_is_named_and_becomes_an_experiment_of_its_own(student, changes, text):
    odd = student("resnet8", 0, **changes)
    usual = [student(name, seed, data_fingerprint="e" * 64) for seed in (0, 1) for name in ("plain8", "resnet8")]
    done = imported(odd, *usual)
    assert fates(done) == ["apart", *["joined"] * 4]
    assert done.outcomes[0].remark == f"Not joined: {text}."
    alone = read_run(done.outcomes[0].run).facts
    assert [each.id for each in list_experiments()] == [done.experiment, alone.experiment], "the joined one first"
    assert text in alone.notice
    assert alone.title == f"{NAME}: student 01"


def test_probes_make_no_difference(student):
    done = imported(student("plain8", 0, recipe={"probe_every": 0}), student("resnet8", 0))
    assert fates(done) == ["joined", "joined"]


def test_files_without_an_assignment_join_too_or_stay_apart_on_request(student):
    paths = [student("plain8", seed, assignment="", title="Mine") for seed in (0, 1)]
    apart = imported(*paths, apart=True)
    assert fates(apart) == ["apart", "apart"]
    assert [each.title for each in list_experiments()] == ["Mine", "Mine"]
    assert not any(each.remark for each in apart.outcomes)
    trash.discard(take_back(apart.id))
    joined = imported(*paths)
    assert [(each.title, len(each.runs)) for each in list_experiments()] == [("Mine", 2)]
    assert joined.experiment == list_experiments()[0].id


def test_late_zips_join_what_grew_from_their_assignment_one_by_one(student):
    first = imported(student("plain8", 0))
    assert (fates(first), first.experiment) == (["apart"], "")
    (found,) = list_experiments()
    assert found.id == "20260105-090001-000001", "a single one keeps its ids"
    second = imported(student("resnet8", 0))
    assert (fates(second), second.experiment) == (["joined"], found.id)
    rename(found.id, "My class")
    imported(student("plain8", 1), student("plain8", 2))
    (grown,) = list_experiments()
    assert (grown.id, grown.title, len(grown.runs)) == (found.id, "My class", 4)
    odd = imported(student("plain8", 3, assignment="Width"))
    assert (fates(odd), len(list_experiments())) == (["apart"], 2)


def test_a_run_of_this_machine_is_never_joined_by_itself_but_on_request(student, make_run):
    paths = [student("plain8", 1), student("resnet8", 1)]
    mine = make_run("plain8", experiment="mine", assignment=NAME)
    done = imported(*paths)
    assert done.experiment != "mine"
    trash.discard(take_back(done.id))
    done = imported(*paths, into="mine")
    assert done.experiment == "mine"
    trash.discard(take_back(done.id))
    assert [run.id for run in list_runs()] == [mine]


@pytest.mark.parametrize(
    ("into", "text"),
    [("nothing", "There is no experiment 'nothing' to join"), ("mine", "mine is running. Import when")],
)
def test_what_cannot_be_joined_says_why_and_nothing_is_imported(student, make_run, into, text):
    path = student("plain8", 1)
    mine = make_run("plain8", experiment="mine")
    with run_lock(run_folder(mine)):
        update_run(mine, state="running")
        with pytest.raises(RunError, match=text):
            imported(path, path, into=into)
    assert [each.name for each in runs_home().iterdir()] == [mine]


def test_an_import_is_taken_back_whole_and_what_was_there_before_stays(student):
    first = imported(student("plain8", 0), student("resnet8", 0))
    second = imported(student("plain8", 1), student("resnet8", 1, recipe={"learning_rate": 0.2}))
    assert fates(second) == ["joined", "apart"]
    gone = take_back(second.id)
    assert [len(found.runs) for found in list_experiments()] == [2]
    trash.restore(gone)
    assert sorted(len(found.runs) for found in list_experiments()) == [1, 3]
    trash.discard(take_back(second.id))
    with pytest.raises(RunError, match="It was taken back already"):
        take_back(second.id)
    assert set(experiment(first.experiment).run_ids) == {each.run for each in first.outcomes}


def test_a_damaged_file_is_refused_by_itself_and_none_at_all_is_an_error(student, tmp_path):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"not a zip")
    done = imported(student("plain8", 0), bad, tmp_path / "missing.zip", student("resnet8", 0))
    assert fates(done) == ["joined", "refused", "refused", "joined"]
    assert "bad.zip is not a zip written by export" in done.outcomes[1].remark
    assert done.summary().endswith("2 runs joined as " + done.experiment + "; 2 files refused.")
    before = sorted(each.name for each in runs_home().iterdir())
    with pytest.raises(RunError, match="None of the 2 files can be imported"):
        imported(bad, bad)
    with pytest.raises(RunError, match="0 files were given"):
        imported()
    assert sorted(each.name for each in runs_home().iterdir()) == before


def test_of_two_states_of_a_run_the_later_one_is_taken_and_told_as_unfinished(student, make_run, tmp_path):
    late = student("plain8", 0, step=8, state="paused")
    early = student("plain8", 0, step=4, state="paused", created=MONDAY + timedelta(0, 1))
    done = imported(early, late)
    assert fates(done) == ["again", "joined"]
    assert done.outcomes[0].remark.startswith("An earlier state of ")
    assert done.outcomes[1].remark == "At step 8 of 10: not counted in the verdict."
    whole = imported(student("plain8", 0, created=MONDAY + timedelta(0, 1)), student("resnet8", 0))
    assert whole.outcomes[0].remark.startswith("A later state of ")
    assert set(metrics([done.outcomes[1].run])["step"]) == set(range(9))


def test_a_disk_that_is_full_leaves_nothing_behind(student, monkeypatch):
    paths = [student("plain8", 0), student("resnet8", 0)]

    def full(placed, scratch):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer.arrival, "move", full)
    with pytest.raises(OSError, match="No space"):
        imported(*paths)
    assert list(runs_home().iterdir()) == []


def test_a_joined_experiment_can_be_passed_on(student, tmp_path):
    done = imported(student("plain8", 0), student("plain8", 0, end=0.2))
    path = export(done.experiment, tmp_path / "class.zip")
    before = metrics(experiment(done.experiment).run_ids).drop(columns=["experiment", "run"])
    trash.discard(set_aside(done.experiment))
    transfer.import_zip(path)
    (found,) = list_experiments()
    assert metrics(found.run_ids).drop(columns=["experiment", "run"]).equals(before)
    assert len({run.facts.origin.batch for run in found.runs} - {done.id}) == 1
    assert {run.facts.origin.file for run in found.runs} == {"student-01.zip", "student-02.zip"}


def test_two_zips_with_the_same_id_and_other_content_are_both_kept(student, tmp_path):
    first = student("plain8", 0, end=0.2, name="a.zip")
    second = student("plain8", 0, end=0.4, name="b.zip", created=MONDAY + timedelta(0, 1))
    forged = tmp_path / "c.zip"
    with zipfile.ZipFile(second) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():  # in the name of the first student
            content = source.read(name).replace(b"20260105-090002-000002", b"20260105-090001-000001")
            target.writestr(name.replace("20260105-090002-000002", "20260105-090001-000001"), content)
    done = imported(first, forged)
    assert fates(done) == ["joined", "joined"]
    ends = {run.id: metrics([run.id])["train_error"].iloc[-1] for run in list_runs()}
    assert sorted(ends.values()) == pytest.approx([0.2, 0.4])


def test_files_of_one_name_stay_apart_by_a_number_that_no_other_has(student, tmp_path):
    for folder, path in (("a", student("plain8", 0)), ("b", student("resnet8", 0))):
        (tmp_path / folder).mkdir()
        path.rename(tmp_path / folder / "me.zip")
    student("plain14", 0, name="me.zip (2)")
    done = imported(tmp_path / "a" / "me.zip", tmp_path / "b" / "me.zip", tmp_path / "me.zip (2)")
    assert [each.file for each in done.outcomes] == ["me.zip", "me.zip (2)", "me.zip (2) (2)"]


@pytest.mark.parametrize("files", [{}, {"metrics.db": b""}, {"run.json": b""}, {"run.json": b"[]"}])
def test_a_zip_without_the_facts_of_a_run_is_refused(student, tmp_path, files):
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"e1-plain8-s0/{name}", content)
    done = imported(student("plain8", 0), path)
    assert fates(done)[1] == "refused"
    assert done.outcomes[1].remark
    assert len(list_runs()) == 1


def test_a_single_state_of_a_run_that_is_here_says_so(student):
    late = student("plain8", 0, step=8, state="paused")
    early = student("plain8", 0, step=4, state="paused", created=MONDAY + timedelta(0, 1), assignment="")
    imported(late)
    with pytest.raises(RunError, match="student-02.zip is here already, as .* Delete that experiment first"):
        imported(early)
