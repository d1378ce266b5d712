"""Runs of workers, watched without workers: their folders are as a worker leaves them."""

import signal

import pandas as pd
import pytest

import explorer
from explorer.errors import BadSettings, RunError
from explorer.notebook.followed import Followed, followed
from explorer.runs.store import update_run


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    monkeypatch.setattr("explorer.notebook.followed.sleep", lambda seconds: None)


def test_a_finished_experiment_has_the_table_and_the_errors_of_all_pages(make_run, capsys):
    runs = [make_run(name, end=0.2) for name in ("plain8", "resnet8")]
    result = explorer.watch("e1")
    pd.testing.assert_frame_equal(result.table, explorer.metrics(runs))
    assert result.finished
    # The batch errors of the run fall evenly from 0.9 to 0.2 over 10 steps, all of which count as the end.
    mean = sum(0.9 - 0.07 * step for step in range(1, 11)) / 10
    assert result.errors["train_error"].tolist() == pytest.approx([mean, mean])
    assert result.errors["test_error"].tolist() == pytest.approx([0.21, 0.21])
    assert capsys.readouterr().err.endswith("Finished.\n")


GO_ON = "What was trained is kept; go on exactly from there with `explorer.resume('e1')`, then `explorer.watch('e1')`."


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("paused", f"Paused. {GO_ON}"),
        ("stopped", f"Stopped. {GO_ON}"),
        ("failed", "A network failed, for the reason below; try a lower learning rate or a warm-up."),
    ],
)
def test_what_does_not_go_on_says_why_and_what_to_do(make_run, state, sentence, capsys):
    make_run("plain8", step=4)
    update_run("e1-plain8-s0", state=state, reason="a reason")
    result = explorer.watch("e1")
    assert result.state == sentence
    assert not result.finished
    assert "plain8, seed 0: a reason\n" in capsys.readouterr().err


def test_runs_of_several_experiments_are_one_table(make_run):
    first, second = make_run("plain8"), make_run("plain8", experiment="e2")
    make_run("resnet8", experiment="e2")
    result = explorer.watch([first, second])
    assert result.run_ids == (first, second)
    assert result.figure().layout.annotations[-1].text.endswith("e2")
    assert explorer.watch([first, "e2"]).run_ids == (first, second, "e2-resnet8-s0")


@pytest.mark.parametrize(("ids", "pauses"), [(["e1"], ["e1"]), (["e1-plain8-s0"], [])])
def test_an_interrupt_pauses_an_experiment_but_not_single_runs(make_run, monkeypatch, ids, pauses):
    make_run("plain8", step=4, state="running")
    monkeypatch.setattr("explorer.runs.store.lock_is_held", lambda path: True)
    asked = []
    monkeypatch.setattr("explorer.training.following.paused", asked.append)

    def interrupting(self, seconds, stopped):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Followed, "advance", interrupting)
    with pytest.raises(KeyboardInterrupt):
        explorer.watch(ids)
    assert asked == pauses


def test_after_an_interrupt_the_sentence_says_what_is_true(make_run, monkeypatch):
    make_run("plain8", step=4, state="running")
    monkeypatch.setattr("explorer.runs.store.lock_is_held", lambda path: True)
    monkeypatch.setattr("explorer.training.following.paused", lambda identity: None)  # it did not within a minute
    whole, single = followed(["e1"]), followed(["e1-plain8-s0"])
    for each in (whole, single):
        assert each.moment().sentence == "Training plain8."
        each.interrupt()
        assert not each.moment().active
    assert whole.moment().sentence.startswith("Not paused yet: the current step has not ended. It pauses when it can;")
    assert single.moment().sentence.startswith("Training goes on in the background; only the watching has ended.")


@pytest.mark.parametrize("what", [3, [], None, ["e1", 3], {"e1": 1}])
def test_what_cannot_be_watched_is_told_with_what_can(what):
    with pytest.raises(BadSettings, match=r"cannot be watched\. Give an explorer\.Plan, the id of an experiment or"):
        explorer.watch(what)


def test_an_unknown_id_says_where_the_ids_are():
    with pytest.raises(
        RunError, match=r"^There is no experiment or run 'nope'\. `explorer\.experiments\(\)` lists the experiments\."
    ):
        explorer.watch("nope")
