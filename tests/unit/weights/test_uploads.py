"""Weights files that a browser has sent."""

import os
import tempfile

import pytest

from explorer.errors import StorageError
from explorer.weights.uploads import KEPT_SECONDS, remove_upload, write_upload


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_an_upload_keeps_its_name_until_it_is_removed(temporary):
    path = write_upload("my resnet.th", b"weights")
    assert (path.name, path.read_bytes()) == ("my resnet.th", b"weights")
    remove_upload(path)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("name", ["../../outside.pt", "/outside.pt", "outside.pt\0"])
def test_a_name_that_leads_elsewhere_does_not(temporary, name):
    path = write_upload(name, b"weights")
    assert path.parent.parent == temporary


def test_what_cannot_be_written_leaves_nothing(temporary):
    with pytest.raises(StorageError, match="could not be written"):
        write_upload("x" * 300, b"weights")
    assert not list(temporary.iterdir())


def test_uploads_that_nobody_came_back_for_are_removed_after_a_day(temporary):
    old, new = write_upload("old.pt", b"weights"), write_upload("new.pt", b"weights")
    other = temporary / "of another program"
    other.mkdir()
    long_ago = old.stat().st_mtime - KEPT_SECONDS - 60
    for folder in (old.parent, other):
        os.utime(folder, (long_ago, long_ago))
    write_upload("next.pt", b"weights")
    assert not old.parent.exists()
    assert new.exists()
    assert other.exists()
