"""How far a computation is reaches whoever waits for it, as a share of the whole."""

from threading import Thread

import pytest

from explorer import progress


@pytest.fixture
def heard():
    return []


def test_where_nobody_listens_nothing_happens():
    progress.report(0.5)
    with progress.part(0, 2):
        progress.report(0.5)


def test_a_listener_hears_what_is_reported_while_it_listens(heard):
    with progress.listening(heard.append):
        progress.report(0.25)
    progress.report(0.75)
    assert heard == [0.25]


def test_what_is_reported_is_between_nothing_and_all(heard):
    with progress.listening(heard.append):
        progress.report(-1)
        progress.report(1.5)
    assert heard == [0, 1]


def test_a_part_counts_as_its_share_and_is_done_at_its_end(heard):
    with progress.listening(heard.append):
        for number in range(4):
            with progress.part(number, 4):
                progress.report(0.5)
    assert heard == [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1]


def test_parts_have_parts(heard):
    with progress.listening(heard.append), progress.part(1, 2), progress.part(2, 5):
        progress.report(0.5)
    assert heard == pytest.approx([0.75, 0.8, 1])


def test_a_part_that_raised_is_not_done(heard):
    with pytest.raises(ValueError, match="broken"), progress.listening(heard.append), progress.part(0, 2):
        raise ValueError("broken")
    assert heard == []


def test_after_a_part_the_whole_is_heard_again(heard):
    with progress.listening(heard.append):
        with progress.part(0, 2):
            pass
        progress.report(0.9)
    assert heard == [0.5, 0.9]


def test_the_latest_listener_hears_alone_and_the_one_before_it_again_afterwards(heard):
    inner = []
    with progress.listening(heard.append):
        with progress.listening(inner.append):
            progress.report(0.1)
        progress.report(0.2)
    assert (inner, heard) == ([0.1], [0.2])


def test_a_listener_can_stop_the_computation(heard):
    """It raises, and what listens is as before."""

    def stop(fraction):
        raise KeyboardInterrupt

    with progress.listening(heard.append):
        with pytest.raises(KeyboardInterrupt), progress.listening(stop), progress.part(0, 2):
            progress.report(0.5)
        progress.report(0.5)
    assert heard == [0.5]


def test_other_threads_are_not_heard(heard):
    with progress.listening(heard.append):
        other = Thread(target=progress.report, args=(0.5,))
        other.start()
        other.join()
    assert heard == []


def test_the_pace_tells_the_seconds_left_after_a_few(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    pace = progress.Pace()
    assert pace.seconds_left(50, 250) is None
    now[0] += 2
    assert pace.seconds_left(70, 250) is None  # too early to tell
    now[0] += 8
    assert pace.seconds_left(100, 250) == pytest.approx(30)  # 5 steps a second
    assert pace.seconds_left(10, 250) is None  # resumed from an earlier state: a new beginning
    now[0] += 4
    assert pace.seconds_left(20, 250) == pytest.approx(92)
