"""The Checkpoints page: what is there, bringing weights in, deleting them."""

import pytest
import torch
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from explorer.compute.client import compute
from explorer.files import PROJECT
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.store import checkpoint_folder
from explorer.ui.checkpoints.importing import GONE, JOB, Job
from tests.app.reading import commands, texts

LONG = 150  # seconds: PyTorch is loaded by the first question


@pytest.fixture
def kept(home):
    """Keeps an untrained network as a checkpoint; gives its id."""

    def made(name="mine", **errors):
        network = build("resnet8-w4", channels=1)
        checkpoint_folder().mkdir(parents=True, exist_ok=True)
        known = {"source": "imported from mine.pt"} | (errors or {"test_error": 0.25})
        facts = CheckpointFacts(network=network.config, data="digits", **known)
        save_checkpoint(network, checkpoint_folder() / f"{name}.safetensors", facts)
        return name

    return made


@pytest.fixture
def weights(tmp_path):
    """A file of torch.save."""
    path = tmp_path / "some weights.pt"
    torch.save(build("resnet8-w4", channels=1).state_dict(), path)
    return path


def test_the_page_says_what_to_do_first(open_page):
    assert "There are no checkpoints on this machine yet." in texts(open_page("checkpoints"))


def test_all_checkpoints_are_listed(open_page, kept, make_weights):
    run = make_weights()
    kept()
    table = open_page("checkpoints").dataframe[0].value
    assert list(table["id"]) == ["mine", run]  # the newest first
    assert table["name"][1].startswith("resnet8-w4 · A title, 01 Jan")
    assert list(table["origin"]) == [["Kept"], ["Run"]]
    assert table["error"][0] == 25


def test_an_error_measured_at_the_import_is_listed_with_its_images(open_page, kept):
    kept(sample_error=0.1, sample_images=1000)
    kept("other", test_error=0.2, sample_error=0.1, sample_images=1000)
    kept("unknown", sample_images=0)
    table = open_page("checkpoints").dataframe[0].value.set_index("id")
    assert table.loc["mine", ["error", "of"]].tolist() == [10, "1,000"]
    assert table.loc["other", ["error", "of"]].tolist() == [20, "all"]
    assert table.loc["unknown", ["error", "of"]].isna().all()


def test_a_link_opens_one_with_what_can_be_done_with_it(open_page, kept):
    app = open_page("checkpoints", checkpoint=kept())
    assert "resnet8-w4, 8 layers" in texts(app)
    assert "Imported from mine\\.pt\\." in texts(app)
    links = {each.proto.label: each.proto.query_string for each in app.get("page_link")}
    assert links == dict.fromkeys(("Evaluate", "Responses", "Attributions"), "networks=mine")
    assert "python -m explorer evaluate mine\n" in commands(app)
    assert "Delete" in [button.label for button in app.button]


def test_that_of_a_run_is_not_deleted_here(open_page, make_weights):
    app = open_page("checkpoints", checkpoint=make_weights())
    assert "Delete" not in [button.label for button in app.button]


def test_weights_are_imported_from_a_path_and_chosen(open_page, weights):
    app = open_page("checkpoints", **{"from": "Path"})
    app.text_input(key="weights_path").set_value(str(weights)).run()
    app.button(key="import").click().run(timeout=LONG)
    assert not app.exception
    count = sum(each.numel() for each in build("resnet8-w4", channels=1).parameters())
    assert f"resnet8-w4, 8 layers, {count:,} parameters, 10 classes" in texts(app)
    assert app.success[0].value.startswith("Imported: resnet8-w4, 10 classes. Error on 360 test images: **")
    assert "hardly better than chance" in app.warning[0].value
    assert "chosen by measuring" in texts(app)
    assert app.query_params["checkpoint"] == "some-weights"
    assert list(app.dataframe[0].value["id"]) == ["some-weights"]


def test_after_an_import_nothing_old_is_shown_of_its_name(open_page, weights):
    before = compute.ask(abs, -31)
    before.wait(LONG)
    app = open_page("checkpoints", **{"from": "Path"})
    app.text_input(key="weights_path").set_value(str(weights)).run()
    app.button(key="import").click().run(timeout=LONG)
    assert compute.ask(abs, -31) is not before


def test_a_file_that_is_refused_leaves_nothing_and_says_why(open_page, tmp_path):
    path = tmp_path / "page.pth"
    path.write_text("<html>")
    app = open_page("checkpoints", **{"from": "Path"})
    app.text_input(key="weights_path").set_value(str(path)).run()
    app.button(key="import").click().run(timeout=LONG)
    assert "is not a weights file" in app.error[0].value
    assert not checkpoint_folder().exists()
    assert app.text_input(key="weights_path").value == str(path)


def test_the_size_of_torchvisions_weights_is_shown_before_they_are_downloaded(open_page):
    app = open_page("checkpoints", **{"from": "torchvision"})
    app.selectbox(key="weights_of").select("resnet50-v2").run()
    assert app.button(key="load").label == "Download and import (103 MB)"
    assert "published error 19.1 %" in texts(app)


def test_a_file_of_torchvisions_must_be_the_published_one(open_page, weights):
    app = open_page("checkpoints", **{"from": "torchvision"})
    app.text_input(key="weights_file_path").set_value(str(weights)).run()
    assert app.button(key="load").label == "Check and import"
    app.button(key="load").click().run(timeout=LONG)
    assert "sha256 begins with" in app.error[0].value


@pytest.fixture
def both(tmp_path):
    """A training dictionary with a network and its average."""
    path = tmp_path / "run.pt"
    states = [build("resnet8-w4", channels=1).state_dict() for _ in range(2)]
    torch.save({"model_ema": states[0], "model": states[1], "epoch": 3}, path)
    return path


def test_other_weights_of_an_upload_are_chosen_without_a_new_upload(open_page, both):
    app = open_page("checkpoints")
    app.file_uploader(key="weights_file").upload("run.pt", both.read_bytes()).run()
    app.button(key="import").click().run(timeout=LONG)
    menu = app.selectbox(key="chosen_of_import_1")
    assert (menu.value, menu.options) == ("model", ["model", "model_ema"])
    app.file_uploader(key="weights_file").clear()
    menu.select("model_ema").run(timeout=LONG)
    assert not app.exception
    assert app.selectbox(key="chosen_of_import_2").value == "model_ema"
    assert "ema', an average over training" in texts(app).replace("\\", "")
    assert app.query_params["checkpoint"] == "run"
    assert list(app.dataframe[0].value["id"]) == ["run"]


def test_other_weights_that_do_not_fit_leave_what_was_imported(open_page, tmp_path):
    path = tmp_path / "run.pt"
    good = build("resnet8-w4", channels=1).state_dict()
    torch.save({"model": good, "other": {"conv.weight": torch.ones(4, 1, 3, 3), "fc.weight": torch.ones(2, 4)}}, path)
    app = open_page("checkpoints", **{"from": "Path"})
    app.text_input(key="weights_path").set_value(str(path)).run()
    app.button(key="import").click().run(timeout=LONG)
    app.selectbox(key="chosen_of_import_1").select("other").run(timeout=LONG)
    assert "no convolution follows the stem" in app.error[0].value
    assert app.selectbox(key="chosen_of_import_2").value == "model"
    assert list(app.dataframe[0].value["id"]) == ["run"]


def test_a_page_that_was_restarted_after_an_upload_says_that_the_file_must_be_chosen_again(
    open_page, both, monkeypatch
):
    app = open_page("checkpoints")
    app.file_uploader(key="weights_file").upload("run.pt", both.read_bytes()).run()
    assert not app.warning
    assert not app.button(key="import").disabled
    monkeypatch.setattr(MemoryUploadedFileManager, "get_files", lambda *_, **__: [])  # as after a restart of the server
    app.run()
    assert app.warning[0].value == GONE
    assert "Choose the file again" in GONE
    assert app.button(key="import").disabled


def test_an_import_whose_upload_is_gone_says_that_the_file_must_be_chosen_again(open_page, tmp_path):
    app = open_page("checkpoints")
    app.session_state[JOB] = Job("run.pt", str(tmp_path / "gone" / "run.pt"), temporary=True)
    app.run()
    assert "The app was restarted after this file was chosen" in app.error[0].value
    assert JOB not in app.session_state


def test_networks_with_the_same_weights_are_compared_and_another_is_chosen(open_page, tmp_path):
    path = tmp_path / "net.pt"
    torch.save(load_checkpoint(PROJECT / "checkpoints/shipped-digits-plain8/checkpoint.safetensors").state_dict(), path)
    app = open_page("checkpoints")
    app.file_uploader(key="weights_file").upload("net.pt", path.read_bytes()).run()
    app.button(key="import").click().run(timeout=LONG)
    compared = app.table[0].value
    assert compared["Network"].iloc[0] == "plain8"
    assert compared["Difference"].iloc[0] == "no shortcuts"
    assert "resnet8" in list(compared["Network"])
    menu = app.selectbox(key="network_of_import_1")
    assert (menu.value, menu.options) == ("plain8", list(compared["Network"]))
    app.file_uploader(key="weights_file").clear()
    menu.select("resnet8").run(timeout=LONG)
    assert not app.exception
    assert "resnet8, 8 layers" in texts(app)
    assert app.selectbox(key="network_of_import_2").value == "resnet8"
    assert "plain8" in app.selectbox(key="network_of_import_2").options
    assert app.query_params["checkpoint"] == "net"
