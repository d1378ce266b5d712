"""The commands that give networks away: code as text and as JSON, an ONNX file."""

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from explorer.cli.main import main
from explorer.models.catalogue import network_config
from explorer.models.code.network import standalone_code
from explorer.models.config import NetworkConfig

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


def test_code_prints_the_file_and_nothing_else(capsys):
    assert main(["code", "resnet20"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (standalone_code("resnet20"), "")


def test_code_as_json(capsys):
    assert main(["code", "resnet8", "--classes", "7", "--channels", "1", "--json"]) == 0
    config = NetworkConfig(**(network_config("resnet8").model_dump() | {"classes": 7, "channels": 1}))
    assert json.loads(capsys.readouterr().out) == {"name": "resnet8", "code": standalone_code(config)}


def test_code_of_a_run_fits_its_weights(capsys, make_run):
    run_id = make_run("resnet8-w4")
    assert main(["code", run_id]) == 0
    assert capsys.readouterr().out == standalone_code("resnet8-w4")


def test_code_is_written_to_a_file(capsys, tmp_path):
    path = tmp_path / "network.py"
    assert main(["code", "plain8", "--output", str(path)]) == 0
    assert capsys.readouterr().out == f"plain8 written to {path}\n"
    assert path.read_text() == standalone_code("plain8")


@pytest.mark.thorough
def test_code_needs_no_pytorch():
    check = (
        "import sys; from explorer.cli.main import main; main(['code', 'resnet50']); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.thorough
def test_an_onnx_file_is_written_and_told(capsys, tmp_path):
    path = tmp_path / "small.onnx"
    assert main(["export-onnx", "plain8-w2", str(path), "--image-size", "8", "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert (found["path"], found["image_size"], found["bytes"]) == (str(path), 8, path.stat().st_size)
    onnx.checker.check_model(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["code", "resnet22"], "error: No network is called 'resnet22': 22 is not 6n+2."),
        (["code", "nothing"], "error: There is no run 'nothing'"),
        (["code", "resnet20", "--classes", "1"], "error: `classes` (=1)"),
        (["code", "resnet20", "--output", "/nowhere/x.py"], "error: /nowhere/x.py could not be written"),
        (["export-onnx", "resnet20", "x.pt"], "error: `path` (=x.pt) does not end in .onnx."),
        (["export-onnx", "resnet20", "x.onnx", "--image-size", "0"], "error: `image_size` (=0)"),
        (["export-onnx", "densenet121", "x.onnx", "--image-size", "16"], "error: densenet121 cannot take images of 16"),
    ],
)
def test_errors_are_one_line(capsys, arguments, message):
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert err.count("\n") == 1
