"""Files of other programs are called by their names, and the next step that is named leads to weights that are read."""

import gzip
import io
import json
import pickle
import re
import tarfile
import zipfile

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch import nn

from explorer.errors import StorageError
from explorer.weights.headers import checked_kind
from explorer.weights.next_steps import EXPORT_KERAS, EXPORT_NUMPY, EXPORT_ORIGINAL, PLACE_CIFAR, UNPACK
from explorer.weights.tensors import read_contents
from tests.unit.weights.crafted import saved, written


def read(path):
    with path.open("rb") as file:
        return read_contents(file, path, checked_kind(file, path))


def zipped(path, *names, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name in names:
            file.writestr(name, b"{}")
    return path


def tarred(path, mode, *names):
    with tarfile.open(path, mode) as file:
        for name in names:
            file.addfile(tarfile.TarInfo(name), io.BytesIO())
    return path


def exported(path):
    torch.onnx.export(nn.Conv2d(3, 4, 3), (torch.ones(1, 3, 8, 8),), path, dynamo=False)
    return path


OTHERS = {
    "HDF5": (lambda path: written(path, b"\x89HDF\r\n\x1a\n" + bytes(500)), "is an HDF5 file", EXPORT_KERAS),
    "Keras": (lambda path: zipped(path, "metadata.json", "model.weights.h5"), "is a Keras file", EXPORT_KERAS),
    "SavedModel": (lambda path: written(path, b"\x08\x01\x12\x80\x02"), "is a network of TensorFlow", EXPORT_KERAS),
    "TFLite": (lambda path: written(path, b"\x1c\0\0\0TFL3" + bytes(50)), "is a network of TensorFlow", EXPORT_KERAS),
    "ONNX": (lambda path: written(path, b"\x08\x0a\x12\x07pytorch\x1a\x05"), "is an ONNX file", EXPORT_ORIGINAL),
    "npz": (lambda path: np.savez(path.open("wb"), a=np.ones(3)) or path, "is an archive of numpy", EXPORT_NUMPY),
    "npy": (lambda path: np.save(path.open("wb"), np.ones(3)) or path, "is one numpy array", "state_dict"),
    "CIFAR-10": (
        lambda path: tarred(path, "w:gz", "cifar-10-batches-py", "cifar-10-batches-py/data_batch_1"),
        "is an archive of CIFAR's pictures",
        PLACE_CIFAR,
    ),
    "CIFAR-100": (lambda path: tarred(path, "w", "cifar-100-python/train"), "is an archive of CIFAR's", PLACE_CIFAR),
    "CIFAR, one batch": (
        lambda path: written(path, pickle.dumps({b"batch_label": b"training batch 1 of 5"}, 2)),
        "is a part of CIFAR-10",
        PLACE_CIFAR,
    ),
    "gzip": (lambda path: written(path, gzip.compress(b"weights")), r"is a compressed file \(gzip\)", UNPACK),
    "broken gzip": (lambda path: written(path, b"\x1f\x8bweights"), r"is a compressed file \(gzip\)", UNPACK),
    "tar.gz": (lambda path: tarred(path, "w:gz", "resnet.pth"), "is a tar archive", "give the file inside"),
    "7z": (lambda path: written(path, b"7z\xbc\xaf\x27\x1c"), "is a compressed archive", UNPACK),
    "zip of a file": (lambda path: zipped(path, "resnet20.pth"), "is a zip archive that torch.save did not", UNPACK),
    "torch.export": (lambda path: zipped(path, "a/archive_format"), "is a program of torch", "torch.export.load"),
    "Git LFS": (
        lambda path: written(path, b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n"),
        "is a Git LFS pointer",
        "git lfs pull",
    ),
    "web page": (lambda path: written(path, b"\n<!DOCTYPE html><html>"), "is not a weights file but a web", "Download"),
    "error page": (lambda path: written(path, b"<?xml version='1.0'?><Error>"), "is not a weights file", "Download"),
    "JSON": (lambda path: written(path, json.dumps({"weight_map": {}}).encode()), "is not a .* JSON", "belongs"),
    "PNG": (lambda path: written(path, b"\x89PNG\r\n\x1a\n"), "is not a weights file but a picture", "attribute"),
    "JPEG": (lambda path: written(path, b"\xff\xd8\xff\xe0\0\x10JFIF"), "is not a weights file but a picture", "Attri"),
    "MATLAB": (lambda path: written(path, b"MATLAB 5.0 MAT-file, Platform"), "is a MATLAB file", "scipy.io.loadmat"),
    "GGUF": (lambda path: written(path, b"GGUF\x03\0\0\0"), "is a GGUF file", "ResNet"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_file_of_another_program_is_told_with_the_next_step(name, tmp_path):
    make, what, step = OTHERS[name]
    with pytest.raises(StorageError, match=f"^{what}") as refused:
        read(make(tmp_path / "weights.pth"))
    assert step in str(refused.value)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))


class Light(nn.Module):
    """Stands for a LightningModule, whose checkpoint holds more than weights."""


# What the two files of `torch.save` name; they stand for code that their reader trusts.
TRUSTED = [Small, nn.Conv2d, nn.Linear, nn.init.ones_, re._compile]


def opened(path):
    """What a file of `torch.save` holds, for somebody who trusts what it names."""
    with torch.serialization.safe_globals(TRUSTED):
        return torch.load(path, weights_only=True)


def proposed(path, there):
    """The line in the refusal of a file, carried out beside it; gives what it wrote.

    `there` is what the reader has opened, which the line calls a module or a checkpoint.
    """
    with pytest.raises(StorageError) as refused:
        read(path)
    (line,) = re.findall(r"((?:torch\.save|safetensors\.numpy\.save_file)\(.*\))\.", str(refused.value))
    target = path.with_name("weights")
    names = {"torch": torch, "numpy": np, "safetensors": safetensors, "FILE": path}
    names |= {"module": there, "checkpoint": there, "target": target}
    exec(line.replace('"weights.pth"', "target").replace('"weights.safetensors"', "target"), names)
    return target


@pytest.fixture
def network():
    return Small().eval()


@pytest.mark.filterwarnings("ignore:.*is deprecated", "ignore:.*TorchScript", "ignore:unclosed file")
@pytest.mark.parametrize("kind", ["module", "script", "program", "npz", "Lightning"])
def test_the_line_that_is_proposed_gives_weights_that_are_read(kind, network, tmp_path):
    path, there = tmp_path / "given", None
    if kind == "module":
        there = opened(saved(path, network))
    elif kind == "script":
        torch.jit.save(torch.jit.trace(network, torch.ones(1, 3, 8, 8)), path)
    elif kind == "program":
        torch.export.save(torch.export.export(network, (torch.ones(2, 3, 8, 8),)), tmp_path / "given.pt2")
        path = tmp_path / "given.pt2"
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, **{key: tensor.numpy() for key, tensor in network.state_dict().items()})
    else:
        hook = {"pytorch-lightning_version": "2.6.0", "state_dict": network.state_dict(), "hook": nn.init.ones_}
        there = opened(saved(path, hook | {"loss": re.compile("a")}))
    (found,) = read(proposed(path, there)).sets.values()
    assert all(torch.equal(found[key], tensor) for key, tensor in network.state_dict().items())


def test_the_line_for_keras_saves_variables_by_their_paths(tmp_path):
    class Variable:
        def __init__(self, path, value):
            self.path, self.value = path, value

        def numpy(self):
            return self.value

    line = re.search(r"safetensors.*\)(?=\.)", EXPORT_KERAS)[0]
    model = type("Model", (), {"weights": [Variable("conv1/kernel", np.ones((3, 3, 3, 4), np.float32))]})
    path = tmp_path / "weights.safetensors"
    exec(line.replace('"weights.safetensors"', "path"), {"safetensors": safetensors, "model": model, "path": path})
    (found,) = read(path).sets.values()
    assert found["conv1/kernel"].shape == (3, 3, 3, 4)
