"""Weights files of other people: what is in good ones comes back; bad ones do no harm, and their refusal says why."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from explorer.compute.client import ComputeClient
from explorer.errors import Cancelled, StorageError
from explorer.progress import listening
from explorer.weights import reader as reading_process
from explorer.weights import reading
from explorer.weights.headers import checked_kind
from explorer.weights.reading import read_weights_file
from explorer.weights.tensors import read_contents
from tests.unit.weights.crafted import CONTENTS, LAYOUTS, PATHS, changed, executing, saved
from tests.unit.weights.hostile import BEHIND, CALLS, hostile

ROOT = Path(__file__).resolve().parents[3]


def read(path):
    """Without the process and its limits."""
    with path.open("rb") as file:
        return read_contents(file, path, checked_kind(file, path))


def only(found):
    """The one set of weights of a file."""
    (state,) = found.sets.values()
    return state


def keys(path, value):
    return list(only(read(saved(path, value))))


@pytest.fixture(autouse=True)
def unlimited(monkeypatch):
    """Where a test reads in this process, limits would be its own."""
    monkeypatch.setattr(reading_process, "limit", lambda size: None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth.tar"  # a usual name of what is no tar archive


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder in which the answer of the reader lies while it is fetched."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def reader(monkeypatch, path):
    """Takes Python code in place of the reader; gives the path of a file for it to be started for."""
    path.write_bytes(b"weights")

    def made(code):
        monkeypatch.setattr(reading, "READER", (sys.executable, "-c", code))
        return path

    return made


@pytest.mark.parametrize("name", PATHS)
def test_a_path_without_a_file_that_can_be_read_is_refused(name, tmp_path):
    make, reason = PATHS[name]
    with pytest.raises(StorageError, match=reason):
        read_weights_file(make(tmp_path / name))


def test_a_file_of_another_user_is_refused(path, monkeypatch):
    path.write_bytes(b"weights")
    monkeypatch.setattr(os, "access", lambda *_: False)  # tests may run as root, who may read all
    with pytest.raises(StorageError, match=r"weights.pth.tar may not be read by this user"):
        read_weights_file(path)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_that_cannot_be_trusted_is_refused(name, path):
    make, reason = LAYOUTS[name]
    with make(path).open("rb") as file, pytest.raises(StorageError, match=f"^{reason}"):
        checked_kind(file, path)


def test_a_bad_layout_is_refused_without_pytorch(path):
    LAYOUTS["deflate bomb"][0](path)
    code = f"""
import sys
from pathlib import Path
from explorer.weights.reader import main
main(Path({str(path)!r}), Path({str(path.parent)!r}))
assert "torch" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert "compressed parts" in (path.parent / reading_process.VERDICT).read_text()


@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
@pytest.mark.parametrize("name", CONTENTS)
def test_content_that_cannot_be_used_is_refused(name, path, tmp_path):
    make, reason = CONTENTS[name]
    reading_process.main(make(path), tmp_path)
    assert re.match(reason, json.loads((tmp_path / reading_process.VERDICT).read_text())["reason"])


def test_nothing_is_executed_in_a_process_without_limits_either(path, tmp_path):
    mark = tmp_path / "marker"
    files = executing(mark) | {name: made for name, made in hostile(str(mark)).items() if name in CALLS | BEHIND}
    for name, (make, reason) in files.items():
        with pytest.raises(StorageError, match=reason):
            pytest.fail(f"{name} was read: {read(make(path))}")
    assert not mark.exists()


def test_what_a_library_quotes_from_a_file_is_made_harmless(path):
    saved(path, {"a": torch.ones(4)}, _use_new_zipfile_serialization=False)
    with pytest.raises(StorageError, match=r"holds more than tensors \(.*1m a .b:c") as refused:
        read(changed(path, b"torch._utils", b"\x1b[1m![a](b:c"))
    assert not re.search(r"\x1b|!\[", str(refused.value))


@pytest.mark.parametrize("file", ["resnet20-12fca82f.th", "resnet56-4bfd9763.th"])
def test_published_weights_are_read(file):
    folder = os.environ.get("EXPLORER_FOREIGN")
    if not folder:
        pytest.skip("EXPLORER_FOREIGN names no folder with the published weights of others")
    found = only(read_weights_file(Path(folder, file)))
    expected = torch.load(Path(folder, file), weights_only=True, map_location="cpu")["state_dict"]
    assert [f"module.{key}" for key in found] == list(expected)
    assert list(found)[:2] == ["conv1.weight", "bn1.weight"]
    assert all(torch.equal(found[key.removeprefix("module.")], value) for key, value in expected.items())


@pytest.mark.parametrize("old", [False, True])
def test_weights_come_back_as_they_were(path, old, temporary, monkeypatch):
    for variable in ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_WEIGHTS_ONLY_LOAD"):  # PyTorch reads with neither
        monkeypatch.setenv(variable, "1")
    tied, flat = torch.randn(3, 4), torch.randn(10)
    given = {
        "z.weight": nn.Parameter(tied),
        "half": torch.randn(5).half(),
        "brain": torch.randn(5).bfloat16(),
        "double": torch.randn(5).double(),
        "across": torch.randn(4, 6).t()[::2],
        "first": flat[:5],
        "second": flat[5:],
        "both": flat[3:7],
        "a.weight": tied,
        "num_batches_tracked": torch.tensor(7),
        "nothing": torch.empty(0, 3),
    }
    found = only(read_weights_file(saved(path, given, _use_new_zipfile_serialization=not old)))
    assert list(found) == list(given)
    for key, tensor in found.items():
        kind = torch.float32 if key in ("half", "brain") else given[key].dtype
        torch.testing.assert_close(tensor, given[key].detach().to(kind), rtol=0, atol=0)
        assert tensor.is_contiguous()
        assert type(tensor) is torch.Tensor
    assert found["z.weight"] is found["a.weight"]
    assert not list(temporary.iterdir())


def test_safetensors_are_told_by_their_content(path):
    save_file({"module.b": torch.ones(3), "module.a": torch.zeros(2)}, path)
    assert {key: tensor.tolist() for key, tensor in only(read(path)).items()} == {"b": [1, 1, 1], "a": [0, 0]}


def test_pytorchs_own_format_is_told_by_its_content(path):
    assert keys(path.with_name("weights.safetensors"), {"a": torch.ones(4)}) == ["a"]


def test_the_nested_mapping_with_the_most_tensors_is_taken(path):
    small, large = {"a": torch.ones(4)}, {"b": torch.ones(4), "c": torch.ones(4)}
    optimiser = {"state": {0: {"x": torch.ones(4), "y": torch.ones(4), "z": torch.ones(4)}}}
    assert keys(path, {"best_prec1": torch.ones(1), "state_dict": large}) == ["b", "c"]
    assert keys(path, {"epoch": 3, "net": small, "checkpoint": {"model": large}, "optimizer": optimiser}) == ["b", "c"]
    assert keys(path, {"ema": {"a": torch.ones(4), "d": torch.ones(4)}, "model": large}) == ["a", "d"]
    assert keys(path, {**large, "epoch": 3, "arch": "resnet20", 5: torch.ones(4)}) == ["b", "c"]


def test_prefixes_that_all_keys_share_are_removed(path):
    def without(*names):
        return keys(path, dict.fromkeys(names, torch.ones(4)))

    assert without("module.a.b", "module.c") == ["a.b", "c"]
    assert without("_orig_mod.module.model.a", "_orig_mod.module.model.c") == ["a", "c"]
    assert without("backbone.a", "c") == ["a", "c"]
    assert without("backbone.module.a.weight", "backbone._orig_mod.b", "c") == ["a.weight", "b", "c"]
    assert without("backbone.a", "a") == ["backbone.a", "a"]
    assert without("module.", "module.c") == ["module.", "module.c"]
    assert without("layer1.a", "layer1.c") == ["layer1.a", "layer1.c"]


def test_as_many_tensors_as_resnet_1202_has_are_read(path):
    assert len(keys(path, {f"layer1.{number}.weight": torch.ones(1) for number in range(7208)})) == 7208


def test_a_full_disk_is_named(path, tmp_path):
    reading_process.main(saved(path, {"a": torch.ones(4)}), tmp_path)
    with pytest.raises(StorageError, match=r"could not be copied into .*nowhere \(.*TMPDIR"):
        reading_process.write(read(path).sets, tmp_path / "nowhere")


def answering(**files):
    """Code of a reader that writes files of its own making into the folder for the answer."""
    return "\n".join(
        f"import sys, pathlib; (pathlib.Path(sys.argv[2]) / {name.replace('_', '.')!r}).write_text({content!r})"
        for name, content in files.items()
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", r"cannot be read: the process that read it ended \(exit status 3\)"),
        ("import os; os.kill(os.getpid(), 9)", r"the process that read it ended \(SIGKILL\)"),
        ("import os; os.kill(os.getpid(), 24)", "takes longer to read than any weights file"),
        ("print('rubbish ' * 10**6); input()", r"ended \(exit status 1\)"),
        (answering(verdict_json="rubbish"), r"ended \(exit status 0\)"),
        (answering(verdict_json='{"sets": {"": {"a": 0}}}'), "was read, but not passed on whole"),
        (answering(verdict_json='{"sets": {"": {"a": 0}}}', tensors_safetensors="rubbish"), "not passed on whole"),
    ],
)
def test_a_reader_that_ends_in_another_way_is_told(reader, temporary, code, reason):
    with pytest.raises(StorageError, match=f"^weights.pth.tar .*{reason}"):
        read_weights_file(reader(code))
    assert not list(temporary.iterdir())


def test_a_reader_that_does_not_end_is_ended(reader, temporary, monkeypatch):
    monkeypatch.setattr(reading, "SECONDS", 0.2)
    with pytest.raises(StorageError, match=r"takes longer to read than any weights file of its size should. Where you"):
        read_weights_file(reader("import time; time.sleep(60)"))
    assert not list(temporary.iterdir())
    assert not [child for child in psutil.Process().children() if "time.sleep(60)" in child.cmdline()]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, Cancelled])
def test_an_interrupt_ends_the_reader(reader, temporary, interrupt):
    def stop(_):
        raise interrupt

    with listening(stop), pytest.raises(interrupt):
        read_weights_file(reader("import time; time.sleep(50)"))
    assert not list(temporary.iterdir())
    assert not [child for child in psutil.Process().children() if "time.sleep(50)" in child.cmdline()]


def test_it_is_read_beside_the_app(path):
    compute = ComputeClient()
    try:
        answer = compute.ask(read_weights_file, saved(path, {"a": torch.ones(4)}))
        answer.wait(60)
        assert answer.failure is None
        assert only(answer.value)["a"].tolist() == [1, 1, 1, 1]
    finally:
        compute.close()
