"""Beside odd files every page opens, and text of theirs is shown as it is."""

import json
import os

import pytest

from explorer.data.own_folders import list_file
from explorer.runs.store import checkpoint_folder, run_folder
from explorer.ui.navigation import PAGES
from tests.app.reading import texts

LINK = "[click](http://example.com)"


@pytest.fixture
def odd(experiment, home):
    """An experiment of which one run is damaged, beside checkpoints that are none and a list that is none."""
    found = experiment(title=LINK)
    (run_folder(f"{found}-plain20-s0") / "metrics.db").unlink()
    os.mkfifo(run_folder(f"{found}-plain20-s0") / "metrics.db")
    checkpoint_folder().mkdir()
    os.mkfifo(checkpoint_folder() / "pipe.safetensors")
    (checkpoint_folder() / "deep.safetensors").touch()
    (checkpoint_folder() / "deep.json").write_text("[" * 10_000)
    list_file().write_text(json.dumps({"folders": [LINK, 1]}))
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_beside_odd_files(open_page, odd, name):
    assert LINK not in texts(open_page(name))


def test_the_data_page_says_what_is_wrong_with_the_list(open_page, odd):
    page = open_page("data")
    assert "The list of your folders" in page.error[0].value
    assert "digits" in texts(page)


def test_a_failed_run_says_why_in_its_own_words(open_page, experiment):
    found = experiment(state="failed", reason=f"{LINK} and `sbatch` (2)")
    page = open_page("train", experiment=found)
    assert LINK not in texts(page)
    assert any("`sbatch`" in each.value for each in page.error)
