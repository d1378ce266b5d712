"""Downloads against a web server on loopback; the archive is a small made one."""

import http.server
import io
import os
import socketserver
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from hashlib import md5
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace

import pytest
from filelock import FileLock

from explorer.data import catalogue, cifar, svhn
from explorer.data import download as module
from explorer.data.catalogue import data_status, verify_data
from explorer.data.download import cancel_download, download, download_progress, start_download
from explorer.errors import BadSettings, DataMissing, ExplorerError, StorageError

ROOT = Path(__file__).resolve().parents[3]
CONTENT = {"batches.meta": b"names", "data_batch_1": os.urandom(3 << 20)}  # a dozen chunks, which gzip cannot shorten


def packed(content: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, data in content.items():
            facts = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            facts.size = len(data)
            archive.addfile(facts, io.BytesIO(data))
    return file.getvalue()


ARCHIVE = packed(CONTENT)


class Server:
    """A web server with one file, which can break off, ignore ranges, be slow or answer with an error."""

    def __init__(self):
        self.body = ARCHIVE
        self.break_after: int | None = None
        self.ranges = True
        self.status = 200
        self.pause = Event()  # set: a little data, then silence
        self.requests: list[str | None] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = self.headers["Range"]
                outer.requests.append(wanted)
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and outer.ranges else 0
                self.send_response(206 if start and outer.status == 200 else outer.status)
                self.send_header("Content-Length", str(len(outer.body) - start))
                self.end_headers()
                body = outer.body[start : outer.break_after]
                while outer.pause.is_set():
                    chunk, body = body[:1000], body[1000:]
                    try:
                        self.wfile.write(chunk)
                    except OSError:
                        return
                    time.sleep(0.005)
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that went away

        self.http = Threads(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/kriz"
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch):
    server = Server()
    monkeypatch.setenv("EXPLORER_MIRROR", server.address)
    yield server
    server.pause.clear()
    server.close()


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty data folder, and a small archive in the place of CIFAR-10's."""
    archive = replace(
        cifar.ARCHIVE,
        md5=md5(ARCHIVE).hexdigest(),
        size=len(ARCHIVE),
        files={name: (len(data), md5(data).hexdigest()) for name, data in CONTENT.items()},
    )
    monkeypatch.setitem(catalogue.DATASETS, "cifar10", replace(catalogue.DATASETS["cifar10"], archive=archive))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def installed(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "cifar-10-batches-py").iterdir()}


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in (folder / ".downloads").iterdir()}


def refusal(kind: type[ExplorerError] = DataMissing) -> str:
    with pytest.raises(kind) as error:
        list(download("cifar10"))
    return str(error.value)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_download_installs_the_files_and_leaves_nothing_else(server, folder):
    steps = list(download("cifar10"))
    assert installed(folder) == CONTENT
    assert verify_data("cifar10").available
    assert leftovers(folder) == {"cifar10.lock", "cifar10.json"}
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == ((0, len(ARCHIVE)), (len(ARCHIVE), len(ARCHIVE)))
    progress = download_progress("cifar10")
    assert (progress.state, progress.message) == ("finished", f"CIFAR-10 is ready in {folder}.")


def test_what_is_there_is_not_downloaded_again(server, folder):
    list(download("cifar10"))
    assert list(download("cifar10")) == [(len(ARCHIVE), len(ARCHIVE))]
    assert len(server.requests) == 1


def test_a_damaged_folder_is_replaced(server, folder):
    list(download("cifar10"))
    (folder / "cifar-10-batches-py/data_batch_1").write_bytes(bytes(3 << 20))  # of the right size
    list(download("cifar10"))
    assert installed(folder) == CONTENT


def test_an_interrupted_download_goes_on_where_it_stopped(server, folder):
    server.break_after = 1_000_000
    assert refusal() == (
        f"The download of CIFAR-10 from {server.address}/cifar-10-python.tar.gz stopped at 1,000,000 of "
        f"{len(ARCHIVE):,} bytes. Start it again: it goes on where it stopped."
    )
    assert not data_status("cifar10").available
    assert (download_progress("cifar10").state, download_progress("cifar10").done) == ("failed", 1_000_000)
    server.break_after = None
    first, *_ = download("cifar10")
    assert first == (1_000_000, len(ARCHIVE))
    assert installed(folder) == CONTENT
    assert server.requests == [None, "bytes=1000000-"]


def test_a_server_that_cannot_go_on_is_asked_for_all_again(server, folder):
    server.break_after = 1_000_000
    refusal()
    server.break_after, server.ranges = None, False
    first, *_ = download("cifar10")
    assert first == (0, len(ARCHIVE))
    assert installed(folder) == CONTENT


def test_a_wrong_checksum_installs_nothing_and_the_next_attempt_starts_afresh(server, folder):
    server.body = ARCHIVE[:-1] + b"?"
    assert refusal() == (
        f"What arrived from {server.address}/cifar-10-python.tar.gz is not CIFAR-10: its md5 checksum is "
        f"{md5(server.body).hexdigest()}, not {md5(ARCHIVE).hexdigest()}. It was removed. Download it again; "
        "if that fails too, try another network."
    )
    assert not (folder / "cifar-10-batches-py").exists()
    server.body = ARCHIVE
    list(download("cifar10"))
    assert server.requests == [None, None]


def test_an_archive_without_a_file_installs_nothing(server, folder, monkeypatch):
    row = catalogue.DATASETS["cifar10"]
    server.body = packed({"batches.meta": b"names", "data_batch_1": b"", "../../escaped": b"no"})
    archive = replace(row.archive, md5=md5(server.body).hexdigest(), size=len(server.body))
    monkeypatch.setitem(catalogue.DATASETS, "cifar10", replace(row, archive=archive))
    assert "The archive of CIFAR-10 is not as expected: the file data_batch_1 has 0 bytes" in refusal()
    assert not (folder / "cifar-10-batches-py").exists()
    assert not list(folder.parent.rglob("escaped"))


def test_no_server_is_a_clear_error(folder, monkeypatch):
    monkeypatch.setenv("EXPLORER_MIRROR", "http://127.0.0.1:9")
    assert refusal() == (
        "CIFAR-10 could not be downloaded from http://127.0.0.1:9/cifar-10-python.tar.gz: Connection refused. "
        "Check the network and start it again, copy the folder cifar-10-batches-py from another machine into the "
        "data folder, or choose the built-in digits."
    )
    assert download_progress("cifar10").state == "failed"


def test_an_answer_of_404_is_a_clear_error(server, folder):
    server.status = 404
    assert "cifar-10-python.tar.gz: the server answered 404 Not Found. Check the network" in refusal()


def test_a_mirror_that_is_no_web_address_is_refused(folder, monkeypatch):
    monkeypatch.setenv("EXPLORER_MIRROR", "file:///etc")
    assert "which is not a web address" in refusal()


def test_too_little_room_is_told_before_anything_is_written(server, folder, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=2_000_000))
    assert refusal(StorageError) == (
        f"CIFAR-10 needs 6 MB in {folder} while it is installed, and 2 MB are free. "
        "Free some space, or set EXPLORER_DATA to a folder on another disk."
    )
    assert server.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_leaves_nothing_broken(server, folder):
    (folder / ".downloads").mkdir(parents=True)
    (folder / ".downloads/cifar10.tar.gz.part").symlink_to("/dev/full")
    assert refusal(StorageError) == (
        f"CIFAR-10 cannot be written to {folder}: the disk is full. Nothing is half-installed. Make room or make "
        "the folder writable and start again, or set EXPLORER_DATA to another folder."
    )
    list(download("cifar10"))
    assert installed(folder) == CONTENT


def test_a_folder_that_cannot_be_written_is_a_clear_error(server, folder):
    folder.write_text("a file where the folder should be")
    for attempt in (lambda: list(download("cifar10")), lambda: start_download("cifar10")):
        with pytest.raises(StorageError, match=r"CIFAR-10 cannot be written to .*: \w.* Nothing is half-installed\."):
            attempt()
    assert download_progress("cifar10").state == "idle"


def test_built_in_data_cannot_be_downloaded():
    with pytest.raises(BadSettings, match=r"^Handwritten digits are built in: there is nothing to download\.$"):
        list(download("digits"))


def test_one_downloads_at_a_time(server, folder):
    steps = download("cifar10")
    next(steps)
    assert download_progress("cifar10").state == "running"
    assert start_download("cifar10").state == "running"
    code = "import sys; from explorer.data.download import download; list(download('cifar10'))"
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "CIFAR-10 is already being downloaded by another process." in other.stderr
    list(steps)
    assert len(server.requests) == 1


def test_a_killed_download_is_seen_by_its_lock_and_its_part_is_kept(server, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    server.pause.set()  # the process has the genuine row: it wants 170 MB and gets a trickle
    command = [sys.executable, "-m", "explorer", "data", "download", "cifar10"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: download_progress("cifar10").done > 0)
        assert download_progress("cifar10").state == "running"
        process.kill()
    progress = download_progress("cifar10")
    assert progress.state == "interrupted"
    assert progress.message == "The download of CIFAR-10 was cut off. Start it again: it goes on where it stopped."
    assert (tmp_path / ".downloads/cifar10.tar.gz.part").exists()


def test_a_cancelled_download_stops_and_removes_what_arrived(server, folder):
    steps = download("cifar10")
    next(steps)
    cancel_download("cifar10")
    with pytest.raises(DataMissing, match=r"^The download of CIFAR-10 was cancelled\.$"):
        list(steps)
    assert leftovers(folder) == {"cifar10.lock", "cifar10.json"}
    assert download_progress("cifar10").state == "cancelled"
    list(download("cifar10"))
    assert installed(folder) == CONTENT


def test_cancelling_an_interrupted_download_removes_what_arrived(server, folder):
    server.break_after = 1_000_000
    refusal()
    cancel_download("cifar10")
    assert leftovers(folder) == {"cifar10.lock"}
    assert download_progress("cifar10").state == "idle"


def test_cancelling_nothing_does_nothing(folder):
    cancel_download("cifar10")
    assert not folder.exists()


def test_a_progress_file_that_cannot_be_read_counts_as_none(folder):
    (folder / ".downloads").mkdir(parents=True)
    for text in ("", "{", "[]", '{"state": "running"}'):
        (folder / ".downloads/cifar10.json").write_text(text)
        assert download_progress("cifar10").state == "idle"


def test_a_detached_download_reports_heeds_cancel_and_holds_the_lock(server, tmp_path, monkeypatch):
    """The process of its own has the genuine row: it wants 170 MB, gets a trickle, and is cancelled."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    server.body = bytes(20_000_000)
    server.pause.set()
    assert start_download("cifar10").state == "running"
    wait_for(lambda: download_progress("cifar10").done > 0)
    assert download_progress("cifar10").total == 170_498_071
    cancel_download("cifar10")
    wait_for(lambda: download_progress("cifar10").state == "cancelled")
    wait_for(lambda: not lock_is_held(tmp_path))
    assert not (tmp_path / ".downloads/cifar10.tar.gz.part").exists()


def lock_is_held(folder: Path) -> bool:
    lock = FileLock(folder / ".downloads/cifar10.lock")
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        return True
    lock.release()
    return False


@pytest.fixture
def files_on_the_web(monkeypatch, tmp_path):
    """A mirror with the two files of SVHN, which answers one request for each; gives their content and the requests."""
    contents = {"train_32x32.mat": os.urandom(700_000), "test_32x32.mat": os.urandom(300_000)}
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers["Range"]
            requests.append((self.path, wanted))
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            body = contents[self.path.rpartition("/")[2]][start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    files = replace(svhn.FILES, files={name: (len(each), md5(each).hexdigest()) for name, each in contents.items()})
    monkeypatch.setitem(catalogue.DATASETS, "svhn", replace(catalogue.DATASETS["svhn"], archive=files))
    monkeypatch.setenv("EXPLORER_MIRROR", f"http://127.0.0.1:{server.server_port}/copies/")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    yield contents, requests
    server.shutdown()
    server.server_close()


def test_a_data_set_of_several_files_is_downloaded_one_after_the_other(files_on_the_web, tmp_path):
    contents, requests = files_on_the_web
    steps = list(download("svhn"))
    assert steps[-1] == (1_000_000, 1_000_000)
    assert steps == sorted(steps)
    place = tmp_path / "data" / "SVHN"
    assert {path.name: path.read_bytes() for path in place.iterdir()} == contents
    assert requests == [("/copies/SVHN/train_32x32.mat", None), ("/copies/SVHN/test_32x32.mat", None)]
    assert verify_data("svhn").available
    (place / "test_32x32.mat").write_bytes(b"damaged")
    list(download("svhn"))  # replaces what is damaged
    assert verify_data("svhn").available


@pytest.mark.parametrize("there", [100_000, 700_000, 950_000])
def test_a_download_of_several_files_goes_on_where_it_stopped(files_on_the_web, tmp_path, there):
    contents, requests = files_on_the_web
    part = tmp_path / "data" / ".downloads" / "svhn.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"".join(contents.values())[:there])
    list(download("svhn"))
    assert verify_data("svhn").available
    within = there if there < 700_000 else there - 700_000
    assert requests[0][1] == (f"bytes={within}-" if within else None)
    assert len(requests) == (2 if there < 700_000 else 1)


def test_one_wrong_file_of_several_installs_nothing(files_on_the_web, tmp_path):
    contents, _ = files_on_the_web
    contents["test_32x32.mat"] = bytes(300_000)
    with pytest.raises(DataMissing, match=r"copies/SVHN/test_32x32\.mat is not SVHN: its md5 checksum is"):
        list(download("svhn"))
    assert not (tmp_path / "data" / "SVHN").exists()
    assert not (tmp_path / "data" / ".downloads" / "svhn.tar.gz.part").exists()


def test_both_kinds_of_classes_of_cifar100_share_a_download(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    monkeypatch.setenv("EXPLORER_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(DataMissing, match=r"CIFAR-100 could not be downloaded from .*/cifar-100-python\.tar\.gz"):
        list(download("cifar100-coarse"))
    assert download_progress("cifar100") == download_progress("cifar100-coarse")
    assert download_progress("cifar100").state == "failed"
