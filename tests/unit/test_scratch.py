"""Temporary files name their owner; what no living process owns goes, and nothing else."""

import os
import subprocess
import sys
import time

import pytest

from explorer.scratch import remove_unowned, temporary_folder, temporary_name

DEAD = "import sys; from explorer.scratch import temporary_name; print(temporary_name(sys.argv[1]))"


def name_of_the_dead(purpose):
    done = subprocess.run([sys.executable, "-c", DEAD, purpose], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_owns_stays(tmp_path):
    mine = tmp_path / temporary_name("run.json")
    mine.touch()
    left = tmp_path / name_of_the_dead("run.json")
    left.touch()
    folder = tmp_path / name_of_the_dead("import")
    (folder / "inside").mkdir(parents=True)
    assert sorted(remove_unowned([tmp_path])) == sorted([left, folder])
    assert list(tmp_path.iterdir()) == [mine]


def test_a_number_that_another_process_has_now_owns_nothing(tmp_path):
    reused = tmp_path / f".x.{os.getpid()}-1.0123abcd.tmp"
    reused.touch()
    assert remove_unowned([tmp_path]) == [reused]


@pytest.mark.parametrize(
    "name", ["thesis.tmp", ".thesis.tmp", ".x.1-2.0123abcd", "x.1-2.0123abcd.tmp", ".git", ".x.0123abcd.tmp"]
)
def test_other_files_stay(tmp_path, name):
    (tmp_path / name).touch()
    assert remove_unowned([tmp_path, tmp_path / "missing"]) == []


def test_what_earlier_versions_left_goes_after_a_day(tmp_path):
    left = tmp_path / ".run.json.0123abcd.tmp"
    left.touch()
    mine = [tmp_path / name for name in (".deleted-projects", ".import-letters0", ".letters.0123abcd.tmp", ".0.pt.tmp")]
    for folder in mine:  # of a user whose home holds the runs as well
        folder.mkdir()
    for path in (left, *mine):
        os.utime(path, (time.time() - 100_000,) * 2)
    assert remove_unowned([tmp_path]) == [left]


def test_a_link_is_removed_and_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis").touch()
    (tmp_path / name_of_the_dead("x")).symlink_to(tmp_path / "precious")
    remove_unowned([tmp_path])
    assert [each.name for each in tmp_path.rglob("*")] == ["precious", "thesis"]


def test_a_long_purpose_gives_a_name_that_fits(tmp_path):
    assert temporary_folder(tmp_path, "x" * 300).is_dir()
