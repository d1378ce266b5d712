"""Torchvision's weights by name, from a web server on loopback; the file is a small made one."""

import hashlib
import http.server
import socketserver
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
import torch
import torchvision

from explorer.cli.main import main
from explorer.data.imagenet import categories
from explorer.errors import BadSettings, StorageError, UnknownName
from explorer.models.catalogue import network_config
from explorer.runs.checkpoint_facts import checkpoint_facts
from explorer.runs.checkpoints import load_checkpoint
from explorer.weights import torchvision as pretrained
from explorer.weights.torchvision import WEIGHTS, load_pretrained, weights_file, weights_row


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A file of torchvision's resnet18 with weights that a fixed seed draws, in half precision to be small."""
    torch.manual_seed(0)
    state = torchvision.models.resnet18().state_dict()
    path = tmp_path_factory.mktemp("file") / "weights.pth"
    torch.save({key: each.half() if each.is_floating_point() else each for key, each in state.items()}, path)
    return path.read_bytes()


@pytest.fixture
def row(content, monkeypatch, tmp_path):
    """Its row, in the table."""
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    digits, mebibytes = hashlib.sha256(content).hexdigest()[:8], round(len(content) / (1 << 20), 3)
    found = replace(WEIGHTS["resnet18"], sha256=digits, mebibytes=mebibytes)
    monkeypatch.setitem(pretrained.WEIGHTS, "resnet18", found)
    return found


@pytest.fixture
def server(content, monkeypatch):
    """Gives the paths that were asked for; sends `body`, from where a range begins, up to `until`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        body, until = content, None

        def do_GET(self):
            wanted = self.headers["Range"]
            self.asked.append((self.path, wanted))
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(self.body) - start))
            self.end_headers()
            self.wfile.write(self.body[start : self.until])

        def log_message(self, *_):
            pass

    Handler.asked = []  # path and range of each request
    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as found:
        Thread(target=found.serve_forever, daemon=True).start()
        monkeypatch.setenv("EXPLORER_MIRROR", f"http://127.0.0.1:{found.server_address[1]}/models")
        yield Handler
        found.shutdown()


@pytest.mark.parametrize("row", WEIGHTS.values(), ids=WEIGHTS)
def test_rows_are_what_torchvision_says(row):
    weights = torchvision.models.get_model_weights(row.name)[row.enum]
    assert weights.url == f"{pretrained.ADDRESS}/{row.file}"
    assert weights.meta["_file_size"] == row.mebibytes
    metrics = weights.meta["_metrics"]["ImageNet-1K"]
    assert (row.error, row.top5_error) == pytest.approx((1 - metrics["acc@1"] / 100, 1 - metrics["acc@5"] / 100))
    assert tuple(weights.meta["categories"]) == categories()
    assert network_config(row.name).classes == 1000
    assert [row.resized] == weights.transforms().resize_size
    assert row.longer_recipe == ("new training recipe" in weights.meta["_docs"])


def test_every_weights_file_of_these_networks_has_a_row():
    names = {row.name for row in WEIGHTS.values()}
    published = [weights for name in names for weights in torchvision.models.get_model_weights(name)]
    assert len(published) == len(WEIGHTS)


@pytest.mark.thorough
def test_weights_by_name_are_downloaded_checked_and_kept(row, server, content):
    found = load_pretrained("resnet18")
    assert server.asked == [(f"/models/{row.file}", None)]
    assert (found.id, found.network, found.data, found.normalisation) == (
        "torchvision-resnet18", "resnet18", "imagenet", "imagenet",
    )  # fmt: skip
    assert found.decisions == ("Its error was not measured: there are no test images for it on this machine.",)
    facts = checkpoint_facts(found.id)
    assert facts.classes == categories()
    assert "published ImageNet error is 0.3024" in facts.source
    assert hashlib.sha256(content).hexdigest() in facts.source
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18().half().float().eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(load_checkpoint(found.id)(images), theirs(images), rtol=0, atol=1e-4)
    assert not weights_file(row).exists()


@pytest.mark.thorough
def test_a_download_that_was_cut_off_goes_on(read_here, row, server):
    server.until = 1_000_000
    with pytest.raises(StorageError, match=r"stopped at 1,000,000 of .* goes on where it stopped"):
        load_pretrained("resnet18")
    server.until = None
    load_pretrained("resnet18")
    assert [wanted for _, wanted in server.asked] == [None, "bytes=1000000-"]


def test_another_file_than_the_published_one_is_refused_and_removed(row, server, content):
    server.body = content[:-1] + b"x"
    with pytest.raises(StorageError, match=f"its sha256 begins with .*, not {row.sha256}"):
        load_pretrained("resnet18")
    assert not [path for path in weights_file(row).parent.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize(
    ("mirror", "reason"),
    [
        ("http://127.0.0.1:9", "Connection refused"),
        ("http://127.0.0.1:9/a. b", "URL can't contain control characters"),
        ("ftp://127.0.0.1:9", r"which is not a web address \(http:// or https://\)"),
    ],
)
def test_a_server_without_the_file_is_told(row, monkeypatch, mirror, reason):
    monkeypatch.setenv("EXPLORER_MIRROR", mirror)
    told = rf"{mirror}.*{reason}.*(?<!\.)\. Start it again, .* `load resnet18 --file resnet18-"
    with pytest.raises(StorageError, match=told) as error:
        load_pretrained("resnet18")
    assert "digits" not in str(error.value)


def test_a_local_file_needs_no_network_and_stays(read_here, row, content, tmp_path, capsys):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    assert main(["load", "resnet18", "--file", str(path), "--json"]) == 0
    assert '"id": "torchvision-resnet18"' in capsys.readouterr().out
    assert path.exists()
    with pytest.raises(BadSettings, match="There is a checkpoint torchvision-resnet18 already"):
        load_pretrained("resnet18", path)


def test_a_local_file_of_other_weights_is_refused(row, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"other")
    with pytest.raises(StorageError, match="is not resnet18-.* as torchvision publishes it: its sha256 begins with"):
        load_pretrained("resnet18", path)
    with pytest.raises(StorageError, match=r"There is no file .*missing\.pth"):
        load_pretrained("resnet18", tmp_path / "missing.pth")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
def test_a_file_without_an_end_is_refused(row):
    with pytest.raises(StorageError, match="is not a file but a folder, a pipe or a device"):
        load_pretrained("resnet18", "/dev/zero")


def test_pictures_that_torchvision_scales_otherwise_are_told_of(read_here, row, content, tmp_path, monkeypatch):
    monkeypatch.setitem(pretrained.WEIGHTS, "resnet18", replace(row, resized=232))
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    assert load_pretrained("resnet18", path).decisions[-1].startswith("torchvision resizes to 232 for these weights")


def test_names_are_taken_in_both_spellings():
    assert weights_row("wide_resnet50_2") is weights_row("wide-resnet50-2")
    assert weights_row("resnet50-v2").enum == "IMAGENET1K_V2"
    with pytest.raises(UnknownName, match=r"Did you mean 'resnet18'\?.*checkpoints import"):
        weights_row("resnet17")
