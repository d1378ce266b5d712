"""Images kept in files are the published ones, or are not used."""

import os
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.data import catalogue, cifar, decoded, digits, pixels
from explorer.data.decoded import FOLDER, fingerprint, keep, kept
from explorer.data.pixels import load_data
from explorer.data.splits import Digests


@pytest.fixture
def kept_digits(tmp_path, monkeypatch):
    """The digits as a data set whose images are kept; gives the folder of the files."""
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    train, test = (digits.read(tmp_path, split, 8) for split in ("train", "test"))
    digests = Digests(fingerprint(train), fingerprint(test), fingerprint((*train, *test)))
    monkeypatch.setitem(catalogue.DATASETS, "digits", replace(catalogue.DATASETS["digits"], digests={8: digests}))
    monkeypatch.setattr(pixels, "_in_memory", lru_cache(pixels._data))  # the other tests' data stay as they are
    monkeypatch.setattr(pixels, "_test_in_memory", lru_cache(pixels._read_test))
    return tmp_path / "home" / FOLDER


def test_they_are_the_same_data(kept_digits):
    before = load_data("digits")
    assert not kept_digits.exists()
    keep("digits")
    pixels._in_memory.cache_clear()
    after = load_data("digits")
    assert isinstance(after.train_pixels, np.memmap)
    assert not after.train_pixels.flags.writeable
    assert after.fingerprint == before.fingerprint
    for name in ("train_pixels", "train_labels", "test_pixels", "test_labels"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert len(list(kept_digits.glob("*.npy"))) == 4


@pytest.mark.parametrize("damage", ["a bit", "the end", "all", "a pipe", "a pickle"])
def test_files_that_were_changed_are_not_used_and_written_again(damage, kept_digits):
    keep("digits")
    path = kept_digits / "digits-8-train-pixels.npy"
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "a bit":
        content[-1] ^= 1
        path.write_bytes(content)
    elif damage == "the end":
        path.write_bytes(content[:-1])
    elif damage == "a pipe":
        os.mkfifo(path)
    elif damage == "a pickle":
        np.save(path, np.array([object()]), allow_pickle=True)
    row = catalogue.DATASETS["digits"]
    assert kept(row, 8, "train") is None
    assert kept(row, 8, "test") is not None
    assert not isinstance(load_data("digits").train_pixels, np.memmap)
    keep("digits")
    assert (kept(row, 8, "train") is not None) == (damage != "a pipe")  # which is not replaced


def test_a_full_disk_or_a_read_only_folder_only_costs_memory(kept_digits, monkeypatch):
    monkeypatch.setattr(decoded.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1))
    keep("digits")
    assert not list(kept_digits.glob("*.npy"))
    kept_digits.parent.joinpath("x").write_text("")
    monkeypatch.setenv("EXPLORER_HOME", str(kept_digits.parent / "x"))
    keep("digits")
    assert load_data("digits").train_pixels.shape == (1437, 8, 8, 1)


def test_data_without_known_fingerprints_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    keep("digits")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("side", cifar.DIGESTS)
def test_the_fingerprints_of_cifar10_are_those_of_its_files(side, cifar10):
    train, test = (cifar.read(catalogue.data_folder(), split, side) for split in ("train", "test"))
    assert cifar.DIGESTS[side] == Digests(fingerprint(train), fingerprint(test), fingerprint((*train, *test)))
