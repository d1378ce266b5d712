"""Questions are answered by one process beside the server; what goes wrong there is told, and the next one works."""

import math
import os
import subprocess
import sys
import time

import psutil
import pytest

from explorer.compute import client as module
from explorer.compute.client import ComputeClient
from explorer.errors import BadSettings, ExplorerError
from explorer.models.catalogue import network_config
from explorer.runs.metrics import Progress
from explorer.runs.store import home
from explorer.studies.layers import response_std
from tests.unit.compute import telling


@pytest.fixture(scope="module")
def compute():
    """A process that computes for these tests."""
    asked = ComputeClient()
    yield asked
    asked.close()


def answered(answer, seconds=30.0):
    end = time.monotonic() + seconds
    while answer.pending and time.monotonic() < end:
        time.sleep(0.01)
    assert not answer.pending
    return answer


def test_a_call_gives_its_value_from_another_process(compute):
    answer = answered(compute.ask(os.getpid))
    assert answer.value not in (None, os.getpid())


def test_the_same_call_is_made_once(compute):
    first = compute.ask(time.monotonic_ns)
    assert compute.ask(time.monotonic_ns) is first
    assert answered(compute.ask(time.monotonic_ns)).value == answered(first).value


def test_what_is_printed_there_does_not_disturb(compute):
    assert answered(compute.ask(print, "hello")).failure is None
    assert answered(compute.ask(len, "four")).value == 4


def test_an_error_of_ours_arrives_as_it_is(compute):
    answer = answered(compute.ask(network_config, "resnet22"))
    assert "The nearest are resnet20 and resnet26" in str(answer.failure)


def test_another_error_names_the_function(compute):
    answer = answered(compute.ask(math.sqrt, -1.0))
    assert str(answer.failure).startswith("sqrt failed: ValueError")


def test_a_failure_stands_for_a_while_and_is_then_tried_again(compute, monkeypatch):
    first = answered(compute.ask(math.sqrt, -2.0))
    assert compute.ask(math.sqrt, -2.0) is first
    monkeypatch.setattr(module, "FAILED_SECONDS", 0.0)
    assert compute.ask(math.sqrt, -2.0) is not first


def test_a_process_that_dies_is_told_and_started_again(compute):
    answer = answered(compute.ask(os._exit, 3))
    assert isinstance(answer.failure, ExplorerError)
    assert "may have run out of memory" in str(answer.failure)
    assert answered(compute.ask(abs, -5)).value == 5


def test_a_call_that_has_not_begun_can_be_withdrawn(compute):
    slow = compute.ask(time.sleep, 0.3)
    unwanted = compute.ask(abs, -7)
    compute.withdraw(unwanted)
    answered(slow)
    assert answered(compute.ask(abs, -8)).value == 8
    assert unwanted.pending


def test_a_call_that_another_page_waits_for_is_not_withdrawn(compute):
    slow = compute.ask(time.sleep, 0.31)
    wanted = compute.ask(abs, -9)
    assert compute.ask(abs, -9) is wanted
    compute.withdraw(wanted)
    answered(slow)
    assert answered(wanted).value == 9


def test_it_sees_the_folders_of_the_caller(compute, monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    assert answered(compute.ask(home)).value == tmp_path
    monkeypatch.delenv("EXPLORER_HOME")
    assert answered(compute.ask(home)).value != tmp_path


def test_a_record_arrives_as_it_is(compute):
    answer = answered(compute.ask(Progress, 3))
    assert answer.value == Progress(3)


def test_a_call_without_a_value_raises_why(compute):
    answer = answered(compute.ask(network_config, "resnet22"))
    with pytest.raises(ExplorerError, match="22 is not 6n"):
        _ = answer.value


def test_an_error_class_keeps_its_kind(compute):
    answer = answered(compute.ask(response_std, ()))
    assert isinstance(answer.failure, BadSettings)


def asked_in_steps(compute, steps):
    """A call of some steps of 0.05 seconds that tells how far it is."""
    return compute.ask(telling.in_steps, steps)


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_a_long_call_says_how_far_it_is(compute):
    answer = asked_in_steps(compute, 20)
    until(lambda: answer.progress > 0)
    assert answer.pending
    assert answered(answer).value == 20


def test_a_call_in_progress_can_be_cancelled_and_computed_anew(compute):
    answer = asked_in_steps(compute, 400)
    until(lambda: answer.progress > 0)
    compute.cancel(answer)
    assert answered(answer, 2.0).cancelled
    assert answered(compute.ask(abs, -11)).value == 11
    assert asked_in_steps(compute, 400) is answer  # it stands
    compute.forget(answer)
    again = asked_in_steps(compute, 400)
    assert again is not answer
    compute.cancel(again)
    answered(again, 2.0)


def test_a_call_that_waits_can_be_cancelled_also_once_withdrawn(compute):
    slow, waiting, withdrawn = (compute.ask(time.sleep, 0.32 + number / 100) for number in range(3))
    compute.cancel(waiting)
    compute.withdraw(withdrawn)
    compute.cancel(withdrawn)
    assert waiting.cancelled
    assert compute.ask(time.sleep, 0.34) is withdrawn
    assert answered(slow).failure is None


def test_a_call_in_progress_that_nobody_waits_for_is_ended(compute, monkeypatch):
    monkeypatch.setattr(module, "UNWANTED_SECONDS", 0.1)
    answer = asked_in_steps(compute, 401)
    until(lambda: answer.progress > 0)
    compute.withdraw(answer)
    assert answered(answer, 2.0).cancelled
    assert asked_in_steps(compute, 401) is not answer
    compute.cancel(asked_in_steps(compute, 401))


def test_a_call_in_progress_that_is_asked_for_again_goes_on(compute, monkeypatch):
    monkeypatch.setattr(module, "UNWANTED_SECONDS", 0.1)
    answer = asked_in_steps(compute, 15)
    until(lambda: answer.progress > 0)
    compute.withdraw(answer)
    assert asked_in_steps(compute, 15) is answer
    assert answered(answer).value == 15


def test_a_cancel_while_the_process_starts_is_a_cancel():
    own = ComputeClient()
    answer = own.ask(telling.in_steps, 402)
    until(lambda: answer.begun)
    own.cancel(answer)
    answered(answer, 10.0)
    assert answer.cancelled, answer.failure
    assert answered(own.ask(abs, -12)).value == 12
    own.close()


def test_a_later_withdrawal_counts_from_its_own_time(compute, monkeypatch):
    monkeypatch.setattr(module, "UNWANTED_SECONDS", 0.6)
    answer = asked_in_steps(compute, 17)
    until(lambda: answer.progress > 0)
    compute.withdraw(answer)
    time.sleep(0.4)
    assert asked_in_steps(compute, 17) is answer
    compute.withdraw(answer)
    time.sleep(0.35)  # the first timer has come
    assert asked_in_steps(compute, 17) is answer
    assert answered(answer).value == 17


def test_an_interrupt_that_came_too_early_is_sent_again(compute):
    answer = asked_in_steps(compute, 403)
    until(lambda: answer.progress > 0)
    answer.ended = True  # as if it had been sent before the call began
    assert answered(answer, 3.0).cancelled


@pytest.fixture
def quick(monkeypatch):
    """Waits of fractions of a second instead of many seconds."""
    for name, seconds in [("TICK", 0.05), ("INTERRUPTED", 0.8), ("TERMINATED", 0.4), ("SILENT", 1.0)]:
        monkeypatch.setattr(module, f"{name}_SECONDS", seconds)


def process(compute):
    """The id of the one that answers now."""
    compute.forget(compute.ask(os.getpid))
    return answered(compute.ask(os.getpid)).value


@pytest.mark.thorough
@pytest.mark.parametrize(
    "call", [(time.sleep, 600), (telling.stopped,), (telling.without_end,)], ids=lambda call: call[0].__name__
)
def test_a_process_that_does_not_heed_a_cancel_is_replaced(compute, quick, call):
    before = process(compute)
    answer = compute.ask(*call)
    until(lambda: answer.silent > 0.2)
    compute.cancel(answer)
    assert answer.cancelled  # at once
    assert process(compute) != before
    assert not psutil.pid_exists(before)


def test_a_process_that_ends_its_call_after_a_cancel_stays(compute, quick):
    before = process(compute)
    answer = asked_in_steps(compute, 404)
    until(lambda: answer.progress > 0)
    compute.cancel(answer)
    answered(compute.ask(time.sleep, 1.6))  # longer than it takes to kill it
    assert process(compute) == before


def test_a_process_that_hangs_with_a_call_that_nobody_waits_for_is_replaced(compute, quick, monkeypatch):
    monkeypatch.setattr(module, "UNWANTED_SECONDS", 0.1)
    answer = compute.ask(time.sleep, 601)
    until(lambda: answer.silent > 0)
    compute.withdraw(answer)
    assert answered(compute.ask(abs, -21)).value == 21


def test_a_call_that_says_nothing_for_long_is_told_but_goes_on(compute, quick):
    quiet = compute.ask(time.sleep, 1.8)
    until(lambda: compute.silent)
    assert answered(quiet).failure is None
    assert not compute.silent


def test_a_call_that_reports_its_progress_is_not_silent(compute, quick):
    answer = asked_in_steps(compute, 35)
    until(lambda: answer.progress > 0)
    while answer.pending:
        assert not compute.silent
        time.sleep(0.02)


def test_who_waits_behind_a_call_that_hangs_can_end_it(compute, quick):
    stuck = compute.ask(time.sleep, 602)
    waiting = compute.ask(abs, -22)
    until(lambda: compute.silent)
    compute.cancel(waiting)
    assert waiting.cancelled
    assert stuck.cancelled
    assert not compute.silent  # it is being replaced
    compute.forget(waiting)
    assert answered(compute.ask(abs, -22)).value == 22


def test_a_stop_of_the_whole_machine_is_no_silence(compute, quick, monkeypatch):
    answer = compute.ask(time.sleep, 0.45)
    until(lambda: answer.begun)
    an_hour_later = time.monotonic() + 3600
    monkeypatch.setattr(time, "monotonic", lambda: an_hour_later)
    assert answered(answer).failure is None
    assert answer.silent < 60


@pytest.mark.thorough
@pytest.mark.parametrize(
    "call",
    [(bytearray, 10**15), (telling.in_memory, 10**15), (telling.on_the_device,)],
    ids=lambda call: call[0].__name__,
)
def test_out_of_memory_says_what_to_do(compute, call):
    text = str(answered(compute.ask(*call)).failure)
    assert text.startswith("Out of memory in ")
    assert "fewer images, a smaller network or a smaller image size" in text


def test_what_is_prepared_comes_after_what_is_asked(compute, tmp_path):
    order = tmp_path / "order"

    def note(word):
        return [sys.executable, "-c", f"open({str(order)!r}, 'a').write('{word} ')"]

    compute.ask(time.sleep, 0.47)
    compute.prepare(subprocess.check_call, note("first"))
    compute.prepare(math.sqrt, -3.0)  # whose failure nobody sees
    compute.prepare(subprocess.check_call, note("second"))
    answered(compute.ask(subprocess.check_call, note("asked")))
    assert order.read_text().startswith("asked "), "the next may have begun by now"
    end = time.monotonic() + 20
    while order.read_text() != "asked first second " and time.monotonic() < end:
        time.sleep(0.01)
    assert order.read_text() == "asked first second "


def test_what_is_prepared_answers_the_same_question(compute):
    compute.prepare(time.monotonic_ns)
    compute.prepare(time.perf_counter_ns)
    answered(last := compute.ask(time.perf_counter_ns))
    assert compute.ask(time.perf_counter_ns) is last


def test_what_is_prepared_is_not_late_when_it_is_asked(compute):
    compute.ask(time.sleep, 0.31)
    compute.prepare(time.sleep, 61)
    compute.prepare(abs, -11)
    assert answered(compute.ask(abs, -11), seconds=10).value == 11
    compute.close()
