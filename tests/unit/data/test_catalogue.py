import json

import pytest

from explorer.data import catalogue, cifar
from explorer.data.catalogue import DATASETS, data_status, data_table, verify_data
from explorer.data.pixels import load_data, load_test
from explorer.errors import DataMissing, UnknownName

AGAIN = (
    "Download it again on the Data page or with `python -m explorer data download cifar10`, "
    "or choose the built-in digits."
)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A data folder with files of CIFAR-10's names and sizes (sparse: they take no room) and nothing right in them."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    (tmp_path / "cifar-10-batches-py").mkdir()
    for name, (size, _) in cifar.ARCHIVE.files.items():
        with (tmp_path / "cifar-10-batches-py" / name).open("wb") as file:
            file.truncate(size)
    return tmp_path


def test_the_default_folder_is_data_beside_the_app(monkeypatch, tmp_path):
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    monkeypatch.setattr(catalogue, "USER_FILES", tmp_path)
    status = data_status("cifar10")
    assert (status.available, status.place) == (False, "data/")
    assert status.detail == (
        "CIFAR-10 is not in data/. Download it on the Data page or with "
        "`python -m explorer data download cifar10`, or choose the built-in digits."
    )


def test_digits_are_always_there():
    status = data_status("digits")
    assert (status.available, status.place, status.bytes) == (True, "built in", None)
    assert verify_data("digits") == status


def test_status_looks_at_names_and_sizes(folder):
    status = data_status("cifar10")
    assert (status.available, status.place, status.bytes) == (True, str(folder), 186_214_026)


def test_a_missing_file_is_named(folder):
    (folder / "cifar-10-batches-py/test_batch").unlink()
    assert data_status("cifar10").detail == (
        f"CIFAR-10 in {folder} is damaged: the file test_batch is missing. {AGAIN}"
    )


def test_a_file_cut_short_is_named(folder):
    (folder / "cifar-10-batches-py/data_batch_3").write_bytes(b"x" * 12)
    with pytest.raises(DataMissing) as error:
        load_data("cifar10")
    assert str(error.value) == (
        f"CIFAR-10 in {folder} is damaged: the file data_batch_3 has 12 bytes, not 31,035,999. {AGAIN}"
    )


def test_verify_names_a_file_with_a_wrong_checksum(folder):
    with pytest.raises(DataMissing) as error:
        verify_data("cifar10")
    assert str(error.value) == (
        f"CIFAR-10 in {folder} is damaged: the checksum of the file batches.meta is wrong. {AGAIN}"
    )


@pytest.mark.parametrize("load", [load_data, load_test])
def test_a_file_with_a_wrong_checksum_is_not_unpickled(folder, load):
    with pytest.raises(DataMissing, match=r"is damaged: the checksum of the file batches\.meta is wrong"):
        load("cifar10")


def test_verify_finds_genuine_files_good(cifar10):
    assert verify_data("cifar10").available


def test_an_unknown_data_set_is_an_error():
    with pytest.raises(UnknownName, match="No data set is called 'imagenette'"):
        data_status("imagenette")


def test_the_table_has_a_row_for_each_data_set_and_goes_to_json():
    assert [row["name"] for row in json.loads(json.dumps(data_table()))] == list(DATASETS)


@pytest.mark.parametrize("row", DATASETS.values(), ids=DATASETS)
def test_rows_are_consistent(row):
    assert DATASETS[row.name] is row
    assert len(set(row.classes)) == len(row.classes)
    assert row.source
    assert row.licence
