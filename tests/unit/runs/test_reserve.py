"""Room on the disk that is held back."""

import errno
import os

from explorer.runs.reserve import BYTES, Reserve


def test_it_takes_real_blocks_until_it_is_given_back(tmp_path):
    reserve = Reserve(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= BYTES
    for _ in range(2):
        reserve.release()
        assert not list(tmp_path.iterdir())


def test_where_there_is_no_room_there_is_none(tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    Reserve(tmp_path).release()
    assert not list(tmp_path.iterdir())
