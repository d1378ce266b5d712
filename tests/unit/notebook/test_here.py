"""Trainings that are watched in the process where they were made."""

import signal
import threading

import pandas as pd
import pytest

import explorer
from explorer.errors import RunError
from explorer.notebook.here import TORN, Here
from explorer.notebook.interrupts import Interrupts
from explorer.notebook.screens import Lines

RECIPE = explorer.Recipe(
    steps=30, batch_size=16, train_images=64, evaluate_every=10, evaluate_images=20, last_images=20
)
TIMES = ["seconds", "images_per_second"]


def made(*names, recipe=RECIPE):
    return [explorer.train(name, "digits", recipe, device="cpu") for name in names]


@pytest.fixture
def interrupted_at(monkeypatch):
    """Sends an interrupt, as Ctrl-C and the stop button do, when a picture shows that many steps or more."""

    def at(steps):
        show, sent = Lines.show, []

        def interrupting(self, moment, *rest):
            show(self, moment, *rest)
            if moment.done >= steps and not sent:
                sent.append(moment.done)
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(Lines, "show", interrupting)
        monkeypatch.setattr("explorer.notebook.watch.REFRESH_SECONDS", 0.01)

    return at


def test_the_table_is_what_the_trainings_yield_by_themselves(capsys):
    result = explorer.watch(made("plain8-w4", "resnet8-w4"))
    alone = pd.DataFrame(made("resnet8-w4")[0])
    watched = result.table[result.table["network"] == "resnet8-w4"].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        watched[alone.columns].drop(columns=TIMES), alone.drop(columns=TIMES).astype({"loss": float}), check_dtype=False
    )
    assert result.finished
    assert result.run_ids == ("plain8-w4-s0", "resnet8-w4-s0")
    end = alone.iloc[-20:]["batch_error"].mean()  # the last tenth, at least 20 steps
    assert result.errors.iloc[1][["step", "train_error", "test_error"]].tolist() == pytest.approx(
        [30, end, alone.iloc[-1]["test_error"]]
    )
    told = capsys.readouterr().err
    assert "resnet8-w4, seed 0: step 30 of 30, finished, training error" in told
    assert told.endswith("Finished.\n")


def test_interrupted_and_watched_again_it_ends_as_one_that_never_was(interrupted_at, capsys):
    interrupted_at(8)
    trainings = made("plain8-w4", "resnet8-w4")
    with pytest.raises(KeyboardInterrupt):
        explorer.watch(trainings)
    assert 4 <= trainings[0].step < 30
    assert "What was trained is kept, and `.resume()` of the result goes on exactly" in capsys.readouterr().err
    result = explorer.watch(trainings)
    through = explorer.watch(made("plain8-w4", "resnet8-w4"))
    pd.testing.assert_frame_equal(result.table.drop(columns=TIMES), through.table.drop(columns=TIMES))


def test_in_a_notebook_an_interrupt_ends_with_a_result_that_resumes(interrupted_at, monkeypatch):
    interrupted_at(8)
    monkeypatch.setattr("explorer.notebook.watch.shell", lambda: "a kernel")
    monkeypatch.setattr("explorer.notebook.watch.Cell", Lines)
    result = explorer.watch(made("plain8-w4"))
    assert not result.finished
    assert result.state.startswith("Stopped between two steps.")
    assert len(result.table) == result.errors["step"].iloc[0] + 1
    again = result.resume()
    assert again.finished
    assert again.table["step"].tolist() == list(range(31))
    with pytest.raises(RunError, match=r"have ended, so none can go on\. Make new ones with explorer\.train"):
        again.resume()


def test_a_second_interrupt_inside_of_a_step_is_told_and_never_goes_on(monkeypatch, capsys):
    """The first lets the step end; only the second one tears it."""
    (training,) = made("plain8-w4")
    update = type(training)._update

    def interrupted(self, rate):
        if self.step == 5:
            for _ in range(2):
                signal.raise_signal(signal.SIGINT)
        return update(self, rate)

    monkeypatch.setattr(type(training), "_update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        explorer.watch(training)
    monkeypatch.setattr(type(training), "_update", update)
    result = explorer.watch(training)
    assert result.errors["state"].tolist() == ["failed"]
    assert TORN in capsys.readouterr().err


def test_a_network_that_fails_does_not_end_the_others(capsys):
    steep = explorer.Recipe(**RECIPE.model_dump() | {"learning_rate": 1000.0})
    result = explorer.watch([*made("resnet8-w4-skipinit", recipe=steep), *made("resnet8-w4")])
    assert result.errors["state"].tolist() == ["failed", "finished"]
    assert "The loss is not finite" in capsys.readouterr().err
    assert result.state == "A network failed, for the reason below; try a lower learning rate or a warm-up."


def test_one_that_is_ahead_waits_for_the_others(monkeypatch):
    ahead, behind = made("plain8-w4", "resnet8-w4")
    for _ in range(6):
        next(ahead)
    order, step = [], Here._step

    def noted(self, training):
        order.append("ahead" if training is ahead else "behind")
        step(self, training)

    monkeypatch.setattr(Here, "_step", noted)
    explorer.watch([ahead, behind])
    assert order[:9] == ["behind"] * 6 + ["ahead", "behind", "ahead"]  # steps 0 to 5, then in turn


def test_two_equal_trainings_are_two_runs():
    result = explorer.watch(made("plain8-w4", "plain8-w4"))
    assert result.run_ids == ("plain8-w4-s0", "plain8-w4-s0-2")
    assert result.table["run"].value_counts().tolist() == [31, 31]


def test_outside_of_the_main_thread_nothing_changes():
    handler, seen = signal.getsignal(signal.SIGINT), []

    def look():
        with Interrupts() as interrupts:
            seen.append((signal.getsignal(signal.SIGINT), interrupts.received))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [(handler, False)]
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        assert interrupts.received
    assert signal.getsignal(signal.SIGINT) is handler
