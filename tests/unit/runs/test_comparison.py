"""All checkpoints beside what has been published."""

import pytest

from explorer import tables
from explorer.models.network import build
from explorer.models.size import multiply_adds, parameter_count
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.comparison import comparison
from explorer.runs.store import checkpoint_folder, run_folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))


@pytest.fixture
def kept():
    """Keeps a checkpoint of a network under a name."""

    def made(name, network="resnet20", **facts):
        checkpoint_folder().mkdir(parents=True, exist_ok=True)
        found = build(network)
        path = checkpoint_folder() / f"{name}.safetensors"
        save_checkpoint(found, path, CheckpointFacts(network=found.config, **facts))

    return made


def test_a_run_and_a_checkpoint_have_their_sizes(make_weights, kept):
    run = make_weights("resnet8-w4")
    kept("mine", "plain8", data="cifar10")
    table = comparison().set_index("reference")
    assert [*table.index] == [run, "mine"]
    assert [table.index.name, *table.columns] == tables.COMPARISON
    config = build("plain8").config
    assert table.loc["mine", "parameters"] == parameter_count(config)
    assert table.loc["mine", "multiply_adds"] == multiply_adds(config, 32)
    assert table.loc[run, "image_size"] == 8


def test_the_papers_error_stands_beside_ours(kept):
    kept("mine", data="cifar10", test_error=0.1)
    (row,) = comparison().to_dict("records")
    assert (row["published_error"], row["source"]) == (0.0875, "He et al. 2015, table 6")
    assert row["gap"] == pytest.approx(0.0125)


def test_a_network_for_imagenet_stands_beside_what_is_published_there(kept):
    kept("mine", "resnet18", data="imagenet", test_error=0.3)
    (row,) = comparison().to_dict("records")
    assert row["published_error"] == 0.2788
    assert row["image_size"] == 224


@pytest.mark.parametrize(
    "facts", [{"data": "digits"}, {"data": "cifar10", "recipe": {"image_size": 16}}, {"data": ""}], ids=str
)
def test_other_images_have_no_published_error(kept, facts):
    kept("mine", test_error=0.1, **facts)
    (row,) = comparison().to_dict("records")
    assert row["published_error"] != row["published_error"]
    assert row["gap"] != row["gap"]
    assert row["source"] == ""


def test_what_cannot_be_read_is_left_out(make_weights, kept):
    run = make_weights("resnet8-w4")
    (run_folder(run) / "checkpoint.json").write_text("{")
    kept("mine")
    assert comparison()["reference"].tolist() == ["mine"]


def test_without_checkpoints_there_is_an_empty_table():
    table = comparison()
    assert list(table.columns) == tables.COMPARISON
    assert table.empty
