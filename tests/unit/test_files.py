"""Files that may be anybody's: read within limits, never outside of their folder."""

import errno
import json
import os

import pytest

from explorer.errors import StorageError
from explorer.files import appending, home, inside, os_error_message, read_file, read_json, write_text_atomically


@pytest.mark.parametrize(
    "parts", [("..",), ("a", "..", "..", "x"), ("/etc/passwd",), ("",), (".",), ("a\0b",), ("link", "x")]
)
def test_a_path_does_not_leave_its_folder(tmp_path, parts):
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="leads out of|is not a path in"):
        inside(root, *parts)


def test_a_path_below_its_folder_is_given_as_it_is(tmp_path):
    assert inside(tmp_path, "a", "b.txt") == tmp_path / "a" / "b.txt"


def make(path, kind):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        (path.parent / "target").write_text("secret")
        path.symlink_to(path.parent / "target")
    else:
        path.write_bytes(b"x" * 101)


@pytest.mark.parametrize(("kind", "reason"), [("pipe", "is not a file"), ("folder", "is not a file|cannot be read"),
                                              ("link", "is a link"), ("large", "more than 100 bytes")])  # fmt: skip
def test_only_a_regular_file_of_bounded_size_is_read(tmp_path, kind, reason):
    make(tmp_path / "x", kind)
    with pytest.raises(StorageError, match=reason):
        read_file(tmp_path / "x", 100)


ODD_JSON = {
    "nested": b"[" * 21 + b"]" * 21,
    "nested very deeply": b"[" * 100_000 + b"]" * 100_000,
    "not UTF-8": b'{"a": "\xff"}',
    "empty": b"",
    "cut": b'{"a": ',
    "twice": b'{"a": 1, "a": 2}',
    "not a number": b'{"a": NaN}',
    "infinite": b'{"a": 1e999}',
    "many digits": b"[" + b"9" * 5000 + b"]",
    "more than 64 bits": b"[" + b"9" * 30 + b"]",
    "half a character": b'["\\ud800"]',
    "half a character in a name": b'{"\\ud800": 1}',
}


@pytest.mark.parametrize("content", ODD_JSON.values(), ids=ODD_JSON)
def test_odd_json_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(StorageError, match="x.json is not valid JSON: ") as caught:
        read_json(tmp_path / "x.json")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_plain_json_comes_back(tmp_path):
    value = {"a": [1, 2.5, None, True, "ü"], "b": {"c": -(2**62)}}
    (tmp_path / "x.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "x.json") == value


def test_more_is_never_written_through_a_link(tmp_path):
    (tmp_path / "thesis").write_text("precious")
    (tmp_path / "worker.log").symlink_to(tmp_path / "thesis")
    with pytest.raises(StorageError), appending(tmp_path / "worker.log") as file:
        file.write(b"more")
    assert (tmp_path / "thesis").read_text() == "precious"


def test_a_home_that_is_no_path_is_told(monkeypatch, tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for given in ("~nobody-of-this-name/runs", str(tmp_path / "loop" / "runs")):
        monkeypatch.setenv("EXPLORER_HOME", given)
        with pytest.raises(StorageError, match="EXPLORER_HOME .* is not a path"):
            home()


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_nothing_but_a_file_is_replaced(tmp_path, kind):
    make(tmp_path / "x", kind)
    with pytest.raises(StorageError, match="Give a file"):
        write_text_atomically(tmp_path / "x", "new")
    assert not (tmp_path / "x").is_file()


@pytest.mark.parametrize(("place", "advice"), [("home", "set EXPLORER_HOME"), ("other", "Choose another folder")])
def test_where_nothing_may_be_written_the_advice_is_for_that_place(tmp_path, monkeypatch, place, advice):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    for path in (tmp_path / place / "run.json", tmp_path / place / "run" / "run.json"):
        assert advice in os_error_message(PermissionError(errno.EACCES, "Permission denied", str(path)))


def test_the_folder_that_is_read_only_is_named(tmp_path):
    for path, folder in ((tmp_path, tmp_path), (tmp_path / "x", tmp_path), (tmp_path / "run" / "x", tmp_path / "run")):
        assert f"{folder} is read-only for this user" in os_error_message(OSError(errno.EROFS, "Read-only", str(path)))
