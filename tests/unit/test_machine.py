"""What a container allows is what counts."""

import psutil
import pytest

from explorer import machine


@pytest.fixture
def group(tmp_path, monkeypatch):
    """Makes the control groups of this process; gives the folder of the innermost."""

    def made(version, limits):
        top = tmp_path / ("memory" if version == 1 else "")
        names = {1: machine._VERSION_1, 2: machine._VERSION_2}[version]
        folder = top
        for number, (limit, used, dropped) in enumerate(limits):
            folder = folder / f"level{number}" if number else top
            folder.mkdir(exist_ok=True, parents=True)
            (folder / names[0]).write_text(f"{limit}\n")
            (folder / names[1]).write_text(f"{used}\n")
            (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {dropped}\n")
        (tmp_path / "own").write_text(f"3:{'memory' if version == 1 else ''}:/{folder.relative_to(top)}\n4:cpu:/x\n")
        monkeypatch.setattr(machine, "CGROUP", tmp_path)
        monkeypatch.setattr(machine, "OWN_GROUP", tmp_path / "own")

    return made


@pytest.mark.parametrize("version", [1, 2])
def test_the_smallest_limit_of_a_group_and_those_above_counts(version, group):
    group(version, [(10**9, 4 * 10**8, 10**8), (5 * 10**8, 10**8, 0), (8 * 10**8, 10**7, 0)])
    assert machine.total_memory() == 5 * 10**8
    assert machine.available_memory() == 4 * 10**8


@pytest.mark.parametrize("limit", ["max", "", "9223372036854771712"])
def test_without_a_limit_the_machine_counts(limit, group):
    group(2, [(limit, 100, 0)])
    assert machine.total_memory() == psutil.virtual_memory().total


def test_a_system_without_groups_is_fine(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "OWN_GROUP", tmp_path / "none")
    assert machine.total_memory() == psutil.virtual_memory().total


@pytest.mark.parametrize(("tools", "variable", "torch", "found"), [
    (("nvidia-smi",), None, "2.14.1", True),
    ((), None, "2.14.1", False),
    (("nvidia-smi",), "", "2.14.1", False),
    (("nvidia-smi",), "0", "2.14.1+cpu", False),
])  # fmt: skip
def test_a_gpu_is_found_by_its_tools(tools, variable, torch, found, monkeypatch):
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.shutil, "which", lambda name: name if name in tools else None)
    monkeypatch.setattr(machine, "version", lambda package: torch)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if variable is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert machine.has_gpu() is found
