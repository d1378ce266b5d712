"""Questions are answered by one process beside the server; what goes wrong there is told, and the next one works."""

import os
import time

import psutil
import pytest

from explorer.compute import client as module
from explorer.compute.client import PyTorch
from explorer.errors import BadSettings, ExplorerError


@pytest.fixture(scope="module")
def pytorch():
    """A process that computes for these tests."""
    asked = PyTorch()
    yield asked
    asked.close()


def answered(answer, seconds=30.0):
    end = time.monotonic() + seconds
    while answer.pending and time.monotonic() < end:
        time.sleep(0.01)
    assert not answer.pending
    return answer


def test_a_call_gives_its_value_from_another_process(pytorch):
    answer = answered(pytorch.ask("os:getpid"))
    assert answer.value not in (None, os.getpid())


def test_the_same_call_is_made_once(pytorch):
    first = pytorch.ask("time:monotonic_ns")
    assert pytorch.ask("time:monotonic_ns") is first
    assert answered(pytorch.ask("time:monotonic_ns")).value == answered(first).value


def test_what_is_printed_there_does_not_disturb(pytorch):
    assert answered(pytorch.ask("builtins:print", "hello")).failure is None
    assert answered(pytorch.ask("builtins:len", "four")).value == 4


def test_an_error_of_ours_arrives_as_it_is(pytorch):
    answer = answered(pytorch.ask("explorer.models.catalogue:network_config", "resnet22"))
    assert "The nearest are resnet20 and resnet26" in str(answer.failure)


def test_another_error_names_the_function(pytorch):
    answer = answered(pytorch.ask("math:sqrt", -1.0))
    assert str(answer.failure).startswith("sqrt failed: ValueError")


def test_a_failure_stands_for_a_while_and_is_then_tried_again(pytorch, monkeypatch):
    first = answered(pytorch.ask("math:sqrt", -2.0))
    assert pytorch.ask("math:sqrt", -2.0) is first
    monkeypatch.setattr(module, "FAILED_SECONDS", 0.0)
    assert pytorch.ask("math:sqrt", -2.0) is not first


def test_a_process_that_dies_is_told_and_started_again(pytorch):
    answer = answered(pytorch.ask("os:_exit", 3))
    assert isinstance(answer.failure, ExplorerError)
    assert "may have run out of memory" in str(answer.failure)
    assert answered(pytorch.ask("builtins:abs", -5)).value == 5


def test_a_call_that_has_not_begun_can_be_withdrawn(pytorch):
    slow = pytorch.ask("time:sleep", 0.3)
    unwanted = pytorch.ask("builtins:abs", -7)
    pytorch.withdraw(unwanted)
    answered(slow)
    assert answered(pytorch.ask("builtins:abs", -8)).value == 8
    assert unwanted.pending


def test_a_call_that_another_page_waits_for_is_not_withdrawn(pytorch):
    slow = pytorch.ask("time:sleep", 0.31)
    wanted = pytorch.ask("builtins:abs", -9)
    assert pytorch.ask("builtins:abs", -9) is wanted
    pytorch.withdraw(wanted)
    answered(slow)
    assert answered(wanted).value == 9


def test_it_sees_the_folders_of_the_caller(pytorch, monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    assert answered(pytorch.ask("explorer.runs.store:home")).value == tmp_path
    monkeypatch.delenv("EXPLORER_HOME")
    assert answered(pytorch.ask("explorer.runs.store:home")).value != tmp_path


def test_a_dataclass_arrives_as_a_dictionary(pytorch):
    answer = answered(pytorch.ask("explorer.runs.metrics:Progress", 3))
    assert answer.value["step"] == 3


def test_an_error_class_keeps_its_kind(pytorch):
    answer = answered(pytorch.ask("explorer.studies.layers:response_std", ()))
    assert isinstance(answer.failure, BadSettings)


def asked_in_steps(pytorch, steps):
    """A call of some steps of 0.05 seconds that tells how far it is."""
    return pytorch.ask("tests.unit.telling:in_steps", steps)


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_a_long_call_says_how_far_it_is(pytorch):
    answer = asked_in_steps(pytorch, 20)
    until(lambda: answer.progress > 0)
    assert answer.pending
    assert answered(answer).value == 20


def test_a_call_in_progress_can_be_cancelled_and_computed_anew(pytorch):
    answer = asked_in_steps(pytorch, 400)
    until(lambda: answer.progress > 0)
    pytorch.cancel(answer)
    assert answered(answer, 2.0).cancelled
    assert answered(pytorch.ask("builtins:abs", -11)).value == 11
    assert asked_in_steps(pytorch, 400) is answer  # it stands
    pytorch.forget(answer)
    again = asked_in_steps(pytorch, 400)
    assert again is not answer
    pytorch.cancel(again)
    answered(again, 2.0)


def test_a_call_that_waits_can_be_cancelled_also_once_withdrawn(pytorch):
    slow, waiting, withdrawn = (pytorch.ask("time:sleep", 0.32 + number / 100) for number in range(3))
    pytorch.cancel(waiting)
    pytorch.withdraw(withdrawn)
    pytorch.cancel(withdrawn)
    assert waiting.cancelled
    assert pytorch.ask("time:sleep", 0.34) is withdrawn
    assert answered(slow).failure is None


def test_a_call_in_progress_that_nobody_waits_for_is_ended(pytorch, monkeypatch):
    monkeypatch.setattr(module, "UNWANTED_SECONDS", 0.1)
    answer = asked_in_steps(pytorch, 401)
    until(lambda: answer.progress > 0)
    pytorch.withdraw(answer)
    assert answered(answer, 2.0).cancelled
    assert asked_in_steps(pytorch, 401) is not answer
    pytorch.cancel(asked_in_steps(pytorch, 401))


def test_a_call_in_progress_that_is_asked_for_again_goes_on(pytorch, monkeypatch):
    monkeypatch.setattr(module, "UNWANTED_SECONDS", 0.1)
    answer = asked_in_steps(pytorch, 15)
    until(lambda: answer.progress > 0)
    pytorch.withdraw(answer)
    assert asked_in_steps(pytorch, 15) is answer
    assert answered(answer).value == 15


def test_a_cancel_while_the_process_starts_is_a_cancel():
    own = PyTorch()
    answer = own.ask("tests.unit.telling:in_steps", 402)
    until(lambda: answer.begun)
    own.cancel(answer)
    answered(answer, 10.0)
    assert answer.cancelled, answer.failure
    assert answered(own.ask("builtins:abs", -12)).value == 12
    own.close()


def test_a_later_withdrawal_counts_from_its_own_time(pytorch, monkeypatch):
    monkeypatch.setattr(module, "UNWANTED_SECONDS", 0.6)
    answer = asked_in_steps(pytorch, 17)
    until(lambda: answer.progress > 0)
    pytorch.withdraw(answer)
    time.sleep(0.4)
    assert asked_in_steps(pytorch, 17) is answer
    pytorch.withdraw(answer)
    time.sleep(0.35)  # the first timer has come
    assert asked_in_steps(pytorch, 17) is answer
    assert answered(answer).value == 17


def test_an_interrupt_that_came_too_early_is_sent_again(pytorch):
    answer = asked_in_steps(pytorch, 403)
    until(lambda: answer.progress > 0)
    answer.ended = True  # as if it had been sent before the call began
    assert answered(answer, 3.0).cancelled


@pytest.fixture
def quick(monkeypatch):
    """Waits of fractions of a second instead of many seconds."""
    for name, seconds in [("TICK", 0.05), ("INTERRUPTED", 0.8), ("TERMINATED", 0.4), ("SILENT", 1.0)]:
        monkeypatch.setattr(module, f"{name}_SECONDS", seconds)


def process(pytorch):
    """The id of the one that answers now."""
    pytorch.forget(pytorch.ask("os:getpid"))
    return answered(pytorch.ask("os:getpid")).value


@pytest.mark.thorough
@pytest.mark.parametrize(
    "call", [("time:sleep", 600), ("tests.unit.telling:stopped",), ("tests.unit.telling:without_end",)], ids=str
)
def test_a_process_that_does_not_heed_a_cancel_is_replaced(pytorch, quick, call):
    before = process(pytorch)
    answer = pytorch.ask(*call)
    until(lambda: answer.silent > 0.2)
    pytorch.cancel(answer)
    assert answer.cancelled  # at once
    assert process(pytorch) != before
    assert not psutil.pid_exists(before)


def test_a_process_that_ends_its_call_after_a_cancel_stays(pytorch, quick):
    before = process(pytorch)
    answer = asked_in_steps(pytorch, 404)
    until(lambda: answer.progress > 0)
    pytorch.cancel(answer)
    answered(pytorch.ask("time:sleep", 1.6))  # longer than it takes to kill it
    assert process(pytorch) == before


def test_a_process_that_hangs_with_a_call_that_nobody_waits_for_is_replaced(pytorch, quick, monkeypatch):
    monkeypatch.setattr(module, "UNWANTED_SECONDS", 0.1)
    answer = pytorch.ask("time:sleep", 601)
    until(lambda: answer.silent > 0)
    pytorch.withdraw(answer)
    assert answered(pytorch.ask("builtins:abs", -21)).value == 21


def test_a_call_that_says_nothing_for_long_is_told_but_goes_on(pytorch, quick):
    quiet = pytorch.ask("time:sleep", 1.8)
    until(lambda: pytorch.silent)
    assert answered(quiet).failure is None
    assert not pytorch.silent


def test_a_call_that_reports_its_progress_is_not_silent(pytorch, quick):
    answer = asked_in_steps(pytorch, 35)
    until(lambda: answer.progress > 0)
    while answer.pending:
        assert not pytorch.silent
        time.sleep(0.02)


def test_who_waits_behind_a_call_that_hangs_can_end_it(pytorch, quick):
    stuck = pytorch.ask("time:sleep", 602)
    waiting = pytorch.ask("builtins:abs", -22)
    until(lambda: pytorch.silent)
    pytorch.cancel(waiting)
    assert waiting.cancelled
    assert stuck.cancelled
    assert not pytorch.silent  # it is being replaced
    pytorch.forget(waiting)
    assert answered(pytorch.ask("builtins:abs", -22)).value == 22


def test_a_stop_of_the_whole_machine_is_no_silence(pytorch, quick, monkeypatch):
    answer = pytorch.ask("time:sleep", 0.45)
    until(lambda: answer.begun)
    an_hour_later = time.monotonic() + 3600
    monkeypatch.setattr(time, "monotonic", lambda: an_hour_later)
    assert answered(answer).failure is None
    assert answer.silent < 60


@pytest.mark.thorough
@pytest.mark.parametrize(
    "call", [("builtins:bytearray", 10**15), ("torch:empty", 10**15), ("tests.unit.telling:on_the_device",)], ids=str
)
def test_out_of_memory_says_what_to_do(pytorch, call):
    text = str(answered(pytorch.ask(*call)).failure)
    assert text.startswith("Out of memory in ")
    assert "fewer images, a smaller network or a smaller image size" in text
