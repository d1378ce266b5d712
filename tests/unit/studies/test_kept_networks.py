"""Networks ready for maps are found again by their weights, and are few."""

import gc
import io
import weakref

import numpy as np
import pytest
from PIL import Image

from explorer.attribution.question import Question
from explorer.cache import ByteCache
from explorer.data import picture_files
from explorer.data.pictures import keep_upload
from explorer.errors import BadSettings
from explorer.models.network import build
from explorer.runs.checkpoint_facts import checkpoint_facts
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.snapshots import write_snapshot
from explorer.runs.store import run_folder
from explorer.studies import attributions
from explorer.studies.attributions import attribution_map, layer_maps
from explorer.studies.references import resolved


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def read(monkeypatch):
    """Weak references to the networks that have been read."""
    found = []

    def noted(references, *, data=""):
        for each in resolved(references, data=data):
            found.append(weakref.ref(each.network))
            yield each

    monkeypatch.setattr(attributions, "resolved", noted)
    monkeypatch.setattr(attributions, "_networks", ByteCache(attributions.MOST_KEPT))
    return found


def alive(read):
    gc.collect()
    return sum(each() is not None for each in read)


def file_of(run):
    return run_folder(run) / "checkpoint.safetensors"


def named(run):
    """The references to weights of a run, or none."""
    return {
        "checkpoint": run,
        "file": str(file_of(run)),
        "snapshot": f"{run}@5",
        "last step": f"{run}@10",
        "first step": f"{run}@0",
        "untrained": "resnet8-w4",
    }


@pytest.mark.parametrize("kind", named("run"))
def test_a_network_is_read_once_for_several_maps(kind, run, read):
    reference = named(run)[kind]
    for image in ("test:1", "test:2"):
        attribution_map(reference, image)
    layer_maps(reference, "test:1")
    assert len(read) == 1


def test_networks_that_live_stay_within_the_bound(run, read, monkeypatch):
    size = sum(each.nbytes for each in load_checkpoint(run).state_dict().values())
    monkeypatch.setattr(attributions, "_networks", ByteCache(2 * size + size // 2))
    references = list(named(run).values())
    for reference in references:
        attribution_map(reference, "test:1")
        assert alive(read) <= 2
    for reference in references[-2:]:
        attribution_map(reference, "test:2")
    assert len(read) == len(references)
    attribution_map(references[0], "test:2")
    assert len(read) == len(references) + 1


def test_a_network_that_is_too_large_is_let_go(run, read, monkeypatch):
    monkeypatch.setattr(attributions, "_networks", ByteCache(100))
    attribution_map(run, "test:1")
    assert alive(read) == 0


@pytest.mark.parametrize("kind", ["checkpoint", "file", "snapshot", "last step"])
def test_other_weights_under_the_same_name_are_read(kind, run, read):
    reference = named(run)[kind]
    before = attribution_map(reference, "test:1", Question(target=1))
    facts = checkpoint_facts(run)
    other = build(facts.network, seed=77)
    save_checkpoint(other, file_of(run), facts)
    write_snapshot(run_folder(run), {"step": 5, "network": other.state_dict()})
    after = attribution_map(reference, "test:1", Question(target=1))
    assert len(read) == 2
    assert not np.allclose(before.map, after.map)


def test_a_network_shown_other_images_is_another(run, read):
    attribution_map("resnet8-w4", "china.jpg", Question(data="digits"))
    attribution_map("resnet8-w4", "china.jpg", Question(data="imagenet"))
    assert len(read) == 2


def test_a_method_that_fails_lets_its_own_network_go(run, read):
    other = f"{run}@5"
    for each in (run, other):
        attribution_map(each, "test:1")
    with pytest.raises(BadSettings, match="has no layer 'stage9'"):
        attribution_map(run, "test:1", Question("grad_cam", parameters={"layer": "stage9"}))
    assert alive(read) == 1
    attribution_map(other, "test:2")
    assert len(read) == 2
    attribution_map(run, "test:2")
    assert len(read) == 3


def test_an_upload_is_decoded_once_for_all_maps(run, monkeypatch):
    file, decoded, opened = io.BytesIO(), [], picture_files._opened
    Image.new("RGB", (40, 30), (255, 0, 0)).save(file, "PNG")
    monkeypatch.setattr(picture_files, "_opened", lambda content: decoded.append(content) or opened(content))
    upload = keep_upload(file.getvalue())
    for reference in (run, f"{run}@5"):
        for method in ("saliency", "grad_cam"):
            attribution_map(reference, upload, Question(method))
    assert decoded == [file.getvalue()]
