"""The script for machines with a GPU: in short on the CPU here, and its checks where a device is."""

import pytest
import torch

from benchmarks import gpu_check

DEVICE = torch.accelerator.current_accelerator(check_available=True)
UNTIMED = [check for check in gpu_check.CHECKS if check not in (gpu_check.speed, gpu_check.lanes)]


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the script with these checks; gives its exit code and the cells of its table."""

    def made(*checks, arguments=("--device", "cpu", "--quick")):
        monkeypatch.setattr(gpu_check, "CHECKS", checks)
        code = gpu_check.main(list(arguments))
        lines = capsys.readouterr().out.splitlines()
        return code, [tuple(cell.strip() for cell in line.split("|")[1:4]) for line in lines if line.startswith("| ")]

    return made


@pytest.mark.thorough
@pytest.mark.parametrize("check", UNTIMED)
def test_the_cpu_agrees_with_itself(check, run):
    code, rows = run(check)
    assert code == 0
    assert len(rows) > 1
    assert not [row for row in rows if "skipped" in row[1]]


def test_the_others_go_on_after_a_failure_and_a_missing_package(run):
    def fails(machine):
        yield True, "first", "1"
        raise ValueError("two\nlines")

    def lacks(machine):
        import a_package_that_is_not_there  # noqa: F401

        yield True, "never", ""

    def passes(machine):
        yield True, "last", "2"

    code, rows = run(fails, lacks, passes)
    assert code == 1
    assert rows[1:] == [
        ("first", "1", "ok"),
        ("fails", "ValueError: two lines", "FAILED"),
        ("lacks", "skipped: No module named 'a_package_that_is_not_there'", ""),
        ("last", "2", "ok"),
    ]


def test_no_check_begins_when_the_time_is_over(run):
    code, rows = run(gpu_check.learning, arguments=("--device", "cpu", "--quick", "--seconds", "-1"))
    assert code == 0
    assert rows[1:] == [("learning", "skipped: no time left", "")]


def test_a_wrong_result_is_a_failure(run, monkeypatch):
    monkeypatch.setattr(gpu_check, "TOLERANCE", -1.0)
    code, rows = run(gpu_check.analyses)
    assert code == 1
    assert {row[2] for row in rows[1:]} == {"FAILED"}


@pytest.mark.skipif(DEVICE is not None, reason="there is an accelerator")
def test_without_an_accelerator_it_says_so(capsys):
    assert gpu_check.main([]) == 0
    assert capsys.readouterr().out == "There is no accelerator that PyTorch can use here: nothing to check.\n"


@pytest.mark.skipif(DEVICE is None, reason="there is no accelerator")
@pytest.mark.parametrize("check", UNTIMED)
def test_the_device_agrees_with_the_cpu(check, run):
    code, rows = run(check, arguments=())
    assert code == 0, rows
