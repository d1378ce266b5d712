"""An imported run, a link, a file: whatever text of theirs a page shows, it makes no image and no link."""

import json
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from explorer.data.own_folders import add_folder
from explorer.errors import BadSettings
from explorer.models.network import build
from explorer.runs import trash
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.experiments import set_aside
from explorer.runs.facts import RunFacts
from explorer.runs.store import checkpoint_folder
from explorer.runs.transfer import export, import_zip
from explorer.ui.attributions.views import VIEWS as ATTRIBUTIONS
from explorer.ui.evaluate.views import VIEWS as EVALUATE
from explorer.ui.navigation import PAGES
from explorer.ui.responses.trained import STUDIES
from tests.app.reading import charts, texts

IMAGE = "![x](http://127.0.0.1:1/x.png)"
BAIT = f"{IMAGE} <a href='http://127.0.0.1:1/'>y</a>"
NAME = "![x](x.png) <a href='x'>y"  # of a file
HTML = "<a href="
MARKDOWN = re.compile(r"(?<!\\)!\[x(?<!\\)\]\(")  # as it would be an image; a backslash makes it text

# Where the browser shows a text as it is: what is typed, chosen from a list, copied, or in the cells of a table
PLAIN = {
    "Code": {"code_text"},
    "TextInput": {"value", "default", "placeholder"},
    "Selectbox": {"options", "raw_value", "placeholder"},
    "MultiSelect": {"options", "raw_values", "placeholder"},
    "DownloadButton": {"url", "deferred_file_id"},
}


def baited(app):
    """The texts of a page of which the browser would make an image, or in a figure a link."""
    found = [(type(each.proto).__name__, text) for each in elements(app._tree) for text in strings(each.proto)]
    links = [text for figure in charts(app) for text in leaves(figure) if HTML in text]
    return [text for kind, text in found if kind != "BidiComponent" and MARKDOWN.search(text)] + links


def leaves(tree):
    """The texts in a figure."""
    if isinstance(tree, str):
        yield tree
    for each in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from leaves(each)


def elements(node):
    for child in getattr(node, "children", {}).values():
        if getattr(child, "proto", None) is not None:
            yield child
        yield from elements(child)


def strings(message):
    for field, value in message.ListFields():
        if field.name == "id" or field.name in PLAIN.get(type(message).__name__, ()):
            continue
        for each in value if field.is_repeated else [value]:
            if field.type == field.TYPE_MESSAGE:
                yield from strings(each)
            elif field.type == field.TYPE_STRING:
                yield each


@pytest.fixture
def imported(make_weights, tmp_path):
    """An experiment that is imported with the bait in each text of its run.json that can be any; gives its run ids."""

    def made(state, data):
        found = "20260101-000000-abcdef"
        ids = [make_weights(name, experiment=found) for name in ("plain8-w4", "resnet8-w4")]
        path = export(found, tmp_path)
        trash.discard(set_aside(found))
        with zipfile.ZipFile(path) as archive:
            members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                if name.endswith("run.json"):
                    content = json.dumps(with_bait(json.loads(content) | {"state": state}) | data).encode()
                archive.writestr(name, content)
        import_zip(path)
        return ids

    return made


def with_bait(facts):
    for name, value in facts.items():
        if isinstance(value, str) and name != "state":
            try:
                facts = RunFacts(**facts | {name: BAIT}).model_dump(mode="json")
            except BadSettings:
                continue
    assert facts["title"] == facts["reason"] == facts["notice"] == BAIT
    if facts["network"]["shortcut"] != "none":  # what is told of recipes that differ
        facts["recipe"]["schedule"] = BAIT
    return facts | {"environment": {"device": BAIT, "torch": BAIT}}


@pytest.mark.parametrize(("state", "data"), [("failed", {}), ("running", {}), ("finished", {"data": "digits"})])
def test_an_imported_run_shows_no_image(open_page, imported, state, data):
    ids = imported(state, data)
    for name in PAGES:
        app = open_page(name, experiment="20260101-000000-abcdef", networks=",".join(ids))
        assert baited(app) == [], name


@pytest.fixture
def folder(tmp_path, home):
    """A folder of pictures, on the list of one's own, and a checkpoint for it: all names are the bait."""
    generator = np.random.default_rng(0)
    for name in (f"{NAME} a", f"{NAME} b"):
        (tmp_path / NAME / name).mkdir(parents=True)
        for number in range(3):
            pixels = generator.integers(0, 256, (40, 49, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / NAME / name / f"{NAME}{number}.png")
    add_folder(str(tmp_path / NAME))
    network = build("resnet8-w4", classes=2)
    checkpoint_folder().mkdir(parents=True)
    facts = CheckpointFacts(
        network=network.config, data=f"folder:{tmp_path / NAME}", classes=(f"{NAME} a", f"{NAME} b"), source=BAIT,
        recipe={"image_size": 32}, normalisation="imagenet",
    )  # fmt: skip
    save_checkpoint(network, checkpoint_folder() / "theirs.safetensors", facts)
    return str(tmp_path / NAME)


VIEWS_OF = {
    "data": [{}],
    "train": [{}],
    "checkpoints": [{"checkpoint": "theirs"}],
    "evaluate": [{"evaluation": each.title} for each in EVALUATE.values()],
    "responses": [{"study": each} for each in STUDIES],
    "attributions": [{"view": each.title} for each in ATTRIBUTIONS.values()],
}


@pytest.mark.parametrize(
    ("page", "view"), [(page, view) for page, views in VIEWS_OF.items() for view in views], ids=str
)
def test_classes_and_files_show_no_image(open_page, folder, page, view):
    app = open_page(page, networks="theirs,plain8", **view)
    assert baited(app) == []


def test_nor_does_a_picture_that_was_chosen(open_page, folder):
    cards = 0
    for number in range(6):
        app = open_page("evaluate", networks="theirs", evaluation="Most confident mistakes", shown=str(number))
        assert baited(app) == []
        cards += f"Test image {number}: " in texts(app)
    assert cards


@pytest.mark.parametrize("page", PAGES)
def test_a_link_shows_no_image(open_page, page):
    keys = ("image", "networks", "network", "beside", "experiment", "data", "folder", "target", "checkpoint", "methods",
            "view", "study", "evaluation", "layer", "guess", "title", IMAGE)  # fmt: skip
    query = dict.fromkeys(keys, BAIT)
    assert baited(open_page(page, **query)) == []
    assert baited(open_page(page, **query | {"networks": "plain8", "view": "maps"})) == []
