"""The bars that ship beside the networks are those of the networks, and those of other weights are left out."""

import shutil

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.data.catalogue import data_status
from explorer.files import PROJECT
from explorer.runs import store
from explorer.runs.checkpoint_facts import checkpoint_facts
from explorer.studies import shipped_lesions as module
from explorer.studies.blocks import lesion
from explorer.studies.shipped_lesions import shipped_lesions, write_lesions

SHIPPED = PROJECT / "checkpoints"
MEASURED = ["error", "intact_error", "rise"]
SAMPLE = [
    ("shipped-digits-resnet20", 0),
    ("shipped-digits-plain20", 0),
    pytest.param("shipped-cifar10-resnet20", 3e-3, marks=pytest.mark.slow),
]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(store, "SHIPPED", SHIPPED)


def with_facts_only(folder, names):
    """Checkpoints with the facts of the shipped ones."""
    for name in names:
        (folder / name).mkdir()
        (folder / name / "checkpoint.safetensors").touch()
        shutil.copy(SHIPPED / name / "checkpoint.json", folder / name)


def test_every_shipped_network_with_weights_has_its_bars():
    """After networks have been packed: `make zoo-lesions`."""
    table = shipped_lesions()
    assert list(table.columns) == tables.LESION
    with_weights = {path.parent.name for path in SHIPPED.glob("*/checkpoint.safetensors")}
    assert set(table["reference"]) == with_weights
    assert table.groupby("reference")["images"].first().between(360, 10_000).all()


@pytest.mark.thorough
@pytest.mark.parametrize(("reference", "tolerance"), SAMPLE)
def test_a_sample_is_measured_again(reference, tolerance):
    """On CIFAR-10 within some images: another machine rounds differently."""
    if "cifar10" in reference and not data_status("cifar10").available:
        pytest.skip("CIFAR-10 is not on this machine")
    table = shipped_lesions()
    known = table[table["reference"] == reference].reset_index(drop=True)
    found = lesion([reference], images=int(known["images"].iloc[0]))
    np.testing.assert_allclose(known[MEASURED], found[MEASURED], atol=max(tolerance, 1e-5))
    assert known["refused"].tolist() == found["refused"].tolist()
    assert known[["reshapes", "border"]].equals(found[["reshapes", "border"]])


def test_bars_of_other_weights_are_left_out(tmp_path, monkeypatch):
    table = shipped_lesions()
    content = (SHIPPED / module.FILE).read_text()
    sha256 = checkpoint_facts("shipped-digits-plain8").sha256
    monkeypatch.setattr(store, "SHIPPED", tmp_path)
    with_facts_only(tmp_path, table["reference"].unique())
    (tmp_path / module.FILE).write_text(content.replace(sha256, "0" * 64))
    left = shipped_lesions()
    assert set(table["reference"]) - set(left["reference"]) == {"shipped-digits-plain8"}


def test_what_is_written_is_read(tmp_path, monkeypatch):
    table = shipped_lesions()
    names = table["reference"].unique()
    monkeypatch.setattr(store, "SHIPPED", tmp_path)
    assert shipped_lesions().empty
    with_facts_only(tmp_path, names)
    write_lesions(table)
    pd.testing.assert_frame_equal(shipped_lesions(), table)
    assert (tmp_path / module.FILE).read_text().startswith("# Each block of the shipped networks deleted in turn")
