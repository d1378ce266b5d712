"""CIFAR-100, SVHN, FashionMNIST and MNIST from small made files in the genuine formats and places."""

import gzip
import pickle
from dataclasses import replace
from hashlib import md5

import numpy as np
import pytest
from scipy.io import savemat

from explorer.data import catalogue, cifar100, mnist, svhn
from explorer.data.catalogue import DATASETS, data_status, verify_data
from explorer.data.mnist import idx
from explorer.data.pixels import load_data, load_test
from explorer.errors import DataMissing

GENERATOR = np.random.default_rng(0)
FASHION, MNIST = mnist.FASHION_FILES, mnist.MNIST_FILES


@pytest.fixture
def data(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def facts(content):
    return len(content), md5(content).hexdigest()


def images_and_labels(count, side, classes, channels):
    shape = (count, side, side, channels)
    return GENERATOR.integers(0, 256, shape, np.uint8), np.arange(count) % classes


def cifar100_files(count):
    """Both parts as published: flat rows of planes, fine and coarse labels, in pickles of Python 2's protocol."""
    pixels, fine = images_and_labels(count, 32, 100, 3)
    part = {
        "filenames": [f"{number}.png" for number in range(count)], "batch_label": "training batch 1 of 1",
        "fine_labels": fine.tolist(), "coarse_labels": (fine % 20).tolist(),
        "data": pixels.transpose(0, 3, 1, 2).reshape(count, -1),
    }  # fmt: skip
    return pixels, fine, pickle.dumps(part, protocol=2)


@pytest.fixture
def made_cifar100(data, monkeypatch):
    contents = {"train": cifar100_files(200), "test": cifar100_files(100)}
    files = {"meta": (None, facts(b"names")[1])} | {name: facts(each[2]) for name, each in contents.items()}
    archive = replace(cifar100.ARCHIVE, files=files)
    monkeypatch.setattr(cifar100, "ARCHIVE", archive)
    for name in ("cifar100", "cifar100-coarse"):
        row = replace(DATASETS[name], archive=archive, train_images=200, test_images=100)
        monkeypatch.setitem(catalogue.DATASETS, name, row)
    place = data / "cifar-100-python"
    place.mkdir()
    (place / "meta").write_bytes(b"names")
    for name, (_, _, content) in contents.items():
        (place / name).write_bytes(content)
    return contents


def test_cifar100_has_both_kinds_of_classes(made_cifar100):
    for name, labels in (("cifar100", lambda fine: fine), ("cifar100-coarse", lambda fine: fine % 20)):
        found = load_data(name)
        for split, pixels, given in (
            ("train", found.train_pixels, found.train_labels), ("test", found.test_pixels, found.test_labels)
        ):  # fmt: skip
            np.testing.assert_array_equal(pixels, made_cifar100[split][0])
            np.testing.assert_array_equal(given, labels(made_cifar100[split][1]))
        assert load_test(name, 16).pixels.shape == (100, 16, 16, 3)
        assert verify_data(name).available


def test_a_file_of_cifar100_that_is_not_the_published_one_is_not_unpickled(made_cifar100, data, tmp_path):
    class Harm:
        def __reduce__(self):
            return (tmp_path.joinpath("harm").write_text, ("done",))

    (data / "cifar-100-python" / "test").write_bytes(pickle.dumps(Harm()).ljust(len(made_cifar100["test"][2]), b" "))
    with pytest.raises(DataMissing, match=r"CIFAR-100 in .* is damaged: the checksum of the file test is wrong"):
        load_test("cifar100")
    assert not (tmp_path / "harm").exists()


def as_idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture(params=["compressed", "unpacked"])
def made_mnist(request, data, monkeypatch):
    """Both data sets as torchvision keeps them, compressed or as it unpacks them."""
    made = {}
    for name, files, attribute in (("mnist", MNIST, "MNIST_FILES"), ("fashionmnist", FASHION, "FASHION_FILES")):
        contents, unpacked = {}, {}
        for split, part, count in (("train", "train", 60), ("t10k", "test", 30)):
            pixels, labels = images_and_labels(count, 28, 10, 1)
            made[name, part] = pixels, labels
            for what, array in (("images-idx3-ubyte", pixels[..., 0]), ("labels-idx1-ubyte", labels)):
                contents[f"{split}-{what}.gz"] = gzip.compress(as_idx(array), mtime=0)
                unpacked[f"{split}-{what}.gz"] = as_idx(array)
        changed = replace(
            files,
            files={key: facts(value) for key, value in contents.items()},
            unpacked={key: (key.removesuffix(".gz"), *facts(value)) for key, value in unpacked.items()},
        )
        assert contents.keys() == files.files.keys() == files.unpacked.keys()
        monkeypatch.setattr(mnist, attribute, changed)
        read = lambda folder, split, side, changed=changed: mnist.read(changed, folder, split, side)  # noqa: E731
        row = replace(DATASETS[name], archive=changed, read=read, train_images=60, test_images=30)
        monkeypatch.setitem(catalogue.DATASETS, name, row)
        place = data / files.folder
        place.mkdir(parents=True)
        for key in contents:
            if request.param == "compressed":
                (place / key).write_bytes(contents[key])
            else:
                (place / key.removesuffix(".gz")).write_bytes(unpacked[key])
    return made


@pytest.mark.parametrize("name", ["mnist", "fashionmnist"])
def test_mnist_and_fashionmnist_are_read_where_torchvision_keeps_them(made_mnist, name):
    found = load_data(name)
    np.testing.assert_array_equal(found.train_pixels, made_mnist[name, "train"][0])
    np.testing.assert_array_equal(found.train_labels, made_mnist[name, "train"][1])
    np.testing.assert_array_equal(found.test_pixels, made_mnist[name, "test"][0])
    assert (found.channels, found.image_size) == (1, 28)
    assert verify_data(name).available


def test_mnist_is_read_as_torchvision_reads_it(made_mnist, data):
    from torchvision import datasets

    for file in (data / "MNIST" / "raw").glob("*.gz"):  # torchvision reads the unpacked ones alone
        file.with_suffix("").write_bytes(gzip.decompress(file.read_bytes()))
    theirs = datasets.MNIST(data, train=False)
    np.testing.assert_array_equal(load_test("mnist").pixels[..., 0], theirs.data.numpy())
    assert load_test("mnist").labels.tolist() == theirs.targets.tolist()


def test_a_damaged_file_of_mnist_is_named(made_mnist, data):
    (file,) = (data / "MNIST" / "raw").glob("t10k-labels*")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataMissing, match=rf"MNIST in .* is damaged: the checksum of the file {file.name} is wrong"):
        load_test("mnist")
    file.write_bytes(content[:-1])
    assert f"the file {file.name} has {len(content) - 1:,} bytes, not {len(content):,}" in data_status("mnist").detail
    file.unlink()
    assert "the file t10k-labels-idx1-ubyte.gz is missing" in data_status("mnist").detail


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"), (b"\0\0\x08\x01", "not an IDX file"),
        (b"\0\0\x0d\x01\0\0\0\1abcd", "not an IDX file"),
        (b"\0\0\x08\x01\0\0\0\5ab", "has 2 values, not those of an array of"),
        (b"\x1f\x8bno gzip", "cannot be decompr"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "has 0 values"),
    ],
)  # fmt: skip
def test_what_is_no_idx_file_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        idx(content)


@pytest.fixture
def made_svhn(data, monkeypatch, tmp_path):
    made, contents = {}, {}
    for split, count in (("train", 40), ("test", 20)):
        pixels, labels = images_and_labels(count, 32, 10, 3)
        made[split] = pixels, labels
        published = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        savemat(tmp_path / "file.mat", {"X": pixels.transpose(1, 2, 3, 0), "y": published}, do_compression=True)
        contents[f"{split}_32x32.mat"] = (tmp_path / "file.mat").read_bytes()
    files = replace(svhn.FILES, files={name: facts(content) for name, content in contents.items()})
    monkeypatch.setattr(svhn, "FILES", files)
    row = replace(DATASETS["svhn"], archive=files, train_images=40, test_images=20)
    monkeypatch.setitem(catalogue.DATASETS, "svhn", row)
    return made, contents


@pytest.mark.parametrize("place", ["SVHN", ".", "svhn"])
def test_svhn_is_read_here_and_where_torchvision_keeps_it(made_svhn, data, place):
    made, contents = made_svhn
    (data / place).mkdir(exist_ok=True)
    for name, content in contents.items():
        (data / place / name).write_bytes(content)
    found = load_data("svhn")
    for split, pixels, labels in (
        ("train", found.train_pixels, found.train_labels), ("test", found.test_pixels, found.test_labels)
    ):  # fmt: skip
        np.testing.assert_array_equal(pixels, made[split][0])
        np.testing.assert_array_equal(labels, made[split][1])  # 0 is published as 10
    assert load_test("svhn", 16).pixels.shape == (20, 16, 16, 3)


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if row.archive])
def test_what_is_missing_says_how_to_get_it(data, name):
    with pytest.raises(DataMissing) as error:
        load_data(name)
    assert str(error.value) == (
        f"{DATASETS[name].title} is not in {data}. Download it on the Data page or with "
        f"`python -m explorer data download {name}`, or choose the built-in digits."
    )


def test_checksums_are_torchvisions():
    from torchvision import datasets

    theirs = datasets.CIFAR100
    listed = dict([*theirs.train_list, *theirs.test_list, (theirs.meta["filename"], theirs.meta["md5"])])
    assert {name: each for name, (_, each) in cifar100.ARCHIVE.files.items()} == listed
    assert (cifar100.ARCHIVE.url, cifar100.ARCHIVE.md5) == (theirs.url, theirs.tgz_md5)
    for files, other in ((MNIST, datasets.MNIST), (FASHION, datasets.FashionMNIST)):
        assert {name: each for name, (_, each) in files.files.items()} == dict(other.resources)
        assert files.url in other.mirrors
    assert {name: each for name, (_, each) in svhn.FILES.files.items()} == {
        file: each for split, (_, file, each) in datasets.SVHN.split_list.items() if split != "extra"
    }
    assert all(svhn.FILES.url + name == url for name, (url, _, _) in zip(
        svhn.FILES.files, datasets.SVHN.split_list.values(), strict=False
    ))  # fmt: skip
    assert list(mnist.FASHION) == datasets.FashionMNIST.classes


def test_classes_are_as_many_as_published_and_in_alphabetical_order():
    assert (len(cifar100.CLASSES), len(cifar100.COARSE_CLASSES)) == (100, 20)
    assert list(cifar100.CLASSES) == sorted(cifar100.CLASSES)
    assert list(cifar100.COARSE_CLASSES) == sorted(cifar100.COARSE_CLASSES)
