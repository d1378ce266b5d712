"""What is exported with weights: a card that says what the facts say and whose code runs, state dicts of libraries."""

import io
import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
import torchvision
import yaml
from PIL import Image
from safetensors.torch import load_file

import explorer
from explorer.data.batches import Normalisation
from explorer.errors import StorageError
from explorer.export.card import model_card
from explorer.export.weights import export_checkpoint, export_state_dict, zipped_checkpoint
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_facts
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.store import checkpoint_folder
from explorer.training.recipe import Recipe


def kept(name="mine", network="resnet8-w4", **facts):
    """A checkpoint on the digits; gives its id."""
    config = NetworkConfig(**(network_config(network).model_dump() | {"channels": 1}))
    path = checkpoint_folder() / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(build(config, seed=2), path, CheckpointFacts(network=config, **{"data": "digits", **facts}))
    return name


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


def test_a_checkpoint_is_exported_with_its_card(tmp_path):
    found = export_checkpoint(kept(), tmp_path)
    assert (found.path.name, found.card.name) == ("mine.safetensors", "README.md")
    assert found.card.read_text("utf-8") == model_card(checkpoint_facts("mine"), "mine")
    torch.testing.assert_close(load_checkpoint(found.path).state_dict(), load_checkpoint("mine").state_dict())
    assert eval(found.code, {"explorer": explorer}).config.name == "resnet8-w4"


def test_a_second_card_in_a_folder_is_named_after_its_weights(tmp_path):
    export_checkpoint(kept(), tmp_path)
    first = (tmp_path / "README.md").read_text("utf-8")
    found = export_checkpoint(kept("other"), tmp_path)
    assert found.card.name == "other.md"
    assert (tmp_path / "README.md").read_text("utf-8") == first


def test_a_card_that_cannot_be_written_leaves_nothing(tmp_path):
    for name in ("README.md", "mine.md"):
        (tmp_path / name).write_text("kept")
    with pytest.raises(StorageError, match=r"mine\.md is there already"):
        export_checkpoint(kept(), tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["README.md", "mine.md"]


def test_a_zip_has_the_same_files(tmp_path):
    found = export_checkpoint(kept(), tmp_path)
    with zipfile.ZipFile(io.BytesIO(zipped_checkpoint("mine"))) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    written = (found.path, found.path.with_suffix(".json"), found.card)
    assert packed == {each.name: each.read_bytes() for each in written}


def test_the_code_of_the_card_runs_without_this_program(tmp_path):
    name = kept(network="seresnet8-w4")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    card = export_checkpoint(name, tmp_path).card.read_text("utf-8")
    plain, ours, network = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    (tmp_path / "network.py").write_text(network)
    script = f"{plain}\nimport sys\nassert 'explorer' not in sys.modules\nprint(scores.tolist())"
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    images = Normalisation.known("digits")(pixels[None, :, :, None])
    with torch.inference_mode():
        expected = load_checkpoint(name)(images)
    torch.testing.assert_close(torch.tensor(json.loads(done.stdout)), expected, rtol=1e-4, atol=1e-4)
    assert "explorer.load_checkpoint('mine.safetensors')" in ours


def test_a_card_says_what_was_measured():
    recipe = Recipe(steps=50, train_images=200).model_dump()
    facts = checkpoint_facts(kept(recipe=recipe, seed=4, step=50, train_error=0.125, test_error=0.2))
    card = model_card(facts, "mine")
    result = front_matter(card)["model-index"][0]["results"][0]
    assert result["metrics"] == [{"type": "accuracy", "value": 0.8}]
    # sqrt(0.2 * 0.8 / 360) = 0.0211
    assert "| test, 360 images | 20.0 % ± 2.1 points (standard error) |" in card
    assert "| sample of the training images | 12.5 % |" in card
    assert (
        "resnet8-w4: a residual network of 8 layers for 10 classes, trained on Handwritten digits for 50 steps." in card
    )
    assert "Handwritten digits: 200 training images, 360 test images." in card
    assert "Licence of the images: CC BY 4.0." in card
    assert "It was trained on 200 of the 1,437 training images." in card
    assert "one seed (4)" in card
    for row in ("| steps | 50 |", "| schedule | He et al. 2015 |", "| evaluate every N steps | automatic |"):
        assert row in card
    assert "not measured" not in card.split("## Error")[1].split("## Use")[0]


def test_a_card_compares_with_the_published_error():
    config = network_config("resnet20")
    card = model_card(CheckpointFacts(network=config, data="cifar10", test_error=0.1), "mine")
    assert "The published error of resnet20 is 8.75 % (He et al. 2015, table 6); this one has 10.00 %." in card
    assert "mean, std = (torch.tensor(each)[:, None, None] for each in ((0.4914," in card
    assert front_matter(card)["datasets"] == ["uoft-cs/cifar10"]


def test_a_card_of_an_import_leaves_out_what_is_not_known():
    facts = CheckpointFacts(
        network=network_config("resnet18"), normalisation="imagenet", sample_error=0.5, sample_images=100
    )
    card = model_card(facts, "mine")
    assert front_matter(card).keys() == {"tags", "pipeline_tag", "metrics"}
    for said in (
        "The data set is not known. The names of its 1,000 classes are not known.",
        "How it was trained is not known.",
        "| sample of 100 test images | 50.0 % ± 5.0 points (standard error) |",
        "Its error on a whole test set was not measured.",
    ):
        assert said in card
    assert "It was not measured." in model_card(CheckpointFacts(network=network_config("resnet8")), "mine")


def test_numbers_of_the_images_that_are_not_known_are_not_made_up():
    facts = CheckpointFacts(network=network_config("resnet8"), data="folder:/not/here", normalisation="channel")
    card = model_card(facts, "mine")
    assert "# not known here: replace them by those of its training images" in card
    assert "/not" not in card


def test_texts_of_others_are_escaped():
    classes = ("<script>alert(1)</script>", "[a](http://b)", *map(str, range(7)), "```\n# big\n")
    facts = CheckpointFacts(
        network=network_config("resnet8"),
        data="digits",
        classes=classes,
        source="<img src=x> | **bold**",
        recipe={"steps": 1, "batch_size": 2, "schedule": "<b>|x"},
    )
    card = model_card(facts, "a'b\"<i>")
    for raw in (r"<(script|img|b>)", r"\]\(http", r"\*\*bold", r"\|(x| \*)", "\n# big", "# a'b\"<i>"):
        assert not re.search(rf"(?<!\\){raw}", card), raw
    assert r"\<script\>" in card
    code = re.search(r"load_file\((.*)\)\)", card)[1]
    assert eval(code) == "a'b\"<i>.safetensors"


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_state_dict_is_loaded_by_the_line_that_is_told(tmp_path, ending):
    config = NetworkConfig(**(network_config("resnet18").model_dump() | {"classes": 5}))
    path = checkpoint_folder() / "mine.safetensors"
    path.parent.mkdir(parents=True)
    save_checkpoint(build(config, seed=1), path, CheckpointFacts(network=config))
    found = export_state_dict("mine", "torchvision", tmp_path / f"theirs.{ending}")
    assert found.code.startswith("network = torchvision.models.resnet18(num_classes=5); ")
    names = {"torchvision": torchvision, "torch": torch, "safetensors": __import__("safetensors.torch")}
    exec(found.code, names)
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(names["network"].eval()(images), load_checkpoint("mine")(images))
    with pytest.raises(StorageError, match="is there already"):
        export_state_dict("mine", "torchvision", found.path)


def test_a_state_dict_in_a_folder_is_named_after_checkpoint_and_library(tmp_path):
    found = export_state_dict(kept(network="resnet10t"), "timm", tmp_path)
    assert found.path == tmp_path / "mine-timm.safetensors"
    assert found.code.startswith("network = timm.create_model('resnet10t', num_classes=1000, in_chans=1); ")
    assert load_file(found.path)["conv1.0.weight"].shape == (24, 1, 3, 3)


def test_a_state_dict_has_an_ending_that_is_known(tmp_path):
    with pytest.raises(StorageError, match=r"x\.bin does not end in \.safetensors, \.pth or \.pt\. Add one of them\."):
        export_state_dict(kept(network="resnet10t"), "timm", tmp_path / "x.bin")
