"""Maps put into a grid and into files, made by hand so that every number is known."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from explorer import tables
from explorer.errors import BadSettings, UnknownName
from explorer.map_results import AttributionMap, MissingMap
from explorer.studies.map_files import AXES, html, map_cells, npz, png, scores

VALUES = np.array([[[1.0, -2.0], [0.5, 0.0]]], np.float32)  # (C, h, w) = (1, 2, 2)


def a_map(reference="run-s0", **changes):
    """A network that says cat with 0.7, asked about the dog it sees."""
    known = {
        "reference": reference,
        "network": "resnet20",
        "kind": "residual",
        "depth": 20,
        "step": 400,
        "image": "test:3",
        "title": "Test image 3",
        "method": "saliency",
        "layer": "",
        "target": 1,
        "label": 1,
        "classes": ("cat", "dog", "ship"),
        "probabilities": np.array([0.7, 0.2, 0.1], np.float32),
        "score": 1.5,
        "map": np.arange(16, dtype=np.float32).reshape(4, 4),
        "values": VALUES,
        "pixels": np.full((4, 4, 1), 128, np.uint8),
        "signed": True,
        "delta": None,
        "seconds": 0.25,
    }
    return AttributionMap(**known | changes)


def a_failure(**changes):
    known = {
        "reference": "run-s0",
        "network": "resnet20",
        "kind": "residual",
        "depth": 20,
        "step": 400,
        "image": "test:3",
        "title": "Test image 3",
        "method": "lrp",
        "layer": "",
        "target": None,
        "classes": (),
        "failure": "LRP cannot run here.",
    }
    return MissingMap(**known | changes)


def places(maps, rows="network", columns="method"):
    return [(cell.row, cell.column) for cell in map_cells(maps, rows, columns)]


def test_a_cell_says_what_the_network_predicts_and_what_is_explained():
    (cell,) = map_cells([a_map(delta=0.0123)])
    assert (cell.row, cell.column, cell.signed) == ("resnet20", "Saliency", True)
    assert (cell.prediction, cell.target, cell.right) == ("cat", "dog", False)
    assert (cell.probability, cell.target_probability) == (pytest.approx(0.7), pytest.approx(0.2))
    assert cell.note == "delta 0.012"
    assert cell.map.tolist() == np.arange(16).reshape(4, 4).tolist()


@pytest.mark.parametrize(("label", "right"), [(0, True), (2, False), (None, None)])
def test_a_prediction_is_right_where_it_is_the_label(label, right):
    (cell,) = map_cells([a_map(label=label)])
    assert cell.right is right


def test_networks_are_down_and_methods_across_unless_asked_otherwise():
    maps = [a_map(), a_map(method="grad_cam"), a_map("plain-s0", network="plain20")]
    assert places(maps) == [("resnet20", "Saliency"), ("resnet20", "Grad-CAM"), ("plain20", "Saliency")]
    assert places(maps, "method", "network")[1:] == [("Grad-CAM", "resnet20"), ("Saliency", "plain20")]


@pytest.mark.parametrize(
    ("reference", "step", "heading"),
    [("run-s0", 400, "resnet20"), ("run-s0@50", 50, "resnet20, step 50"), ("resnet20", 0, "resnet20, untrained")],
)
def test_a_moment_is_said_where_it_is_not_the_end_of_the_training(reference, step, heading):
    assert places([a_map(reference, step=step)]) == [(heading, "Saliency")]


def test_moments_can_be_an_axis():
    maps = [a_map("run-s0@50", step=50), a_map("run-s0@3000", step=3000), a_map("file.safetensors", step=None)]
    assert places(maps[:2], "network", "step") == [("resnet20", "step 50"), ("resnet20", "step 3,000")]
    assert places(maps[2:], "step", "network") == [("step not known", "resnet20")]


def test_runs_of_one_network_are_called_by_their_ids():
    assert places([a_map("a-s0"), a_map("a-s1"), a_map("p-s0", network="plain20")]) == [
        ("a-s0", "Saliency"),
        ("a-s1", "Saliency"),
        ("plain20", "Saliency"),
    ]
    assert places([a_map("resnet20"), a_map("resnet20-a")])[1][0] == "resnet20-a, untrained"


def test_what_else_tells_maps_apart_is_added_to_the_rows():
    maps = [a_map(), a_map(image="test:4", title="Test image 4")]
    assert places(maps) == [("resnet20, Test image 3", "Saliency"), ("resnet20, Test image 4", "Saliency")]
    assert places(maps, "network", "image") == [("resnet20", "Test image 3"), ("resnet20", "Test image 4")]
    assert places([a_map(), a_map(target=2)]) == [("resnet20, dog", "Saliency"), ("resnet20, ship", "Saliency")]


def test_what_does_not_tell_maps_apart_is_not():
    maps = [a_map(), a_map("plain-s0", network="plain20", target=2)]
    assert places(maps) == [("resnet20", "Saliency"), ("plain20", "Saliency")]


def test_pictures_of_one_title_are_called_by_their_references():
    maps = [a_map(image="a/cat.png", title="cat.png"), a_map(image="b/cat.png", title="cat.png")]
    assert places(maps, "image", "method") == [("a/cat.png", "Saliency"), ("b/cat.png", "Saliency")]


def test_the_layer_stands_behind_the_method_or_is_an_axis_of_its_own():
    one = a_map(method="grad_cam", layer="stage2.block3")
    assert places([one]) == [("resnet20", "Grad-CAM, stage2.block3")]
    assert places([one], "stage", "block") == [("stage 2, 2×2", "block 3")]
    other_method, other_stage = a_map(layer="stage2.block3"), replace(one, layer="stage1.block3")
    assert places([one, other_method], "stage", "block")[0] == ("stage 2, 2×2, Grad-CAM", "block 3")
    assert places([one, other_stage], "method", "block") == [
        ("Grad-CAM, stage 2, 2×2", "block 3"),
        ("Grad-CAM, stage 1, 2×2", "block 3"),
    ]


def test_one_thing_cannot_be_both_axes():
    with pytest.raises(BadSettings, match="both 'method'. Choose two of network, method"):
        map_cells([a_map()], "method", "method")
    with pytest.raises(UnknownName, match="No axis of a grid is called 'networks'. Did you mean 'network'"):
        map_cells([a_map()], "networks", "method")


@pytest.mark.parametrize("rows", AXES)
def test_every_axis_has_a_heading_also_for_what_is_missing(rows):
    columns = "network" if rows == "method" else "method"
    found = map_cells([a_map(layer="stage1.block2"), a_failure()], rows, columns)
    assert all(cell.row and cell.column for cell in found)


def test_a_missing_map_says_why():
    cell = map_cells([a_failure(target=2, classes=("cat", "dog", "ship"))])[0]
    assert (cell.row, cell.column, cell.map, cell.failure) == ("resnet20", "LRP", None, "LRP cannot run here.")
    assert cell.target == "ship"


def test_scores_have_one_row_a_map():
    table = scores([a_map(), a_failure(step=None)])
    assert list(table) == tables.ATTRIBUTION_SCORES
    row, failed = table.to_dict("records")
    assert (row["target"], row["prediction"], row["label"]) == ("dog", "cat", "dog")
    assert (row["probability"], row["target_probability"]) == (pytest.approx(0.7), pytest.approx(0.2))
    assert (row["sum"], row["score"], row["seconds"], row["failure"]) == (-0.5, 1.5, 0.25, "")
    assert failed["failure"] == "LRP cannot run here."
    assert np.isnan(failed["probability"])


def test_steps_stay_whole_numbers_beside_unknown_ones():
    assert scores([a_map(), a_map(step=None)])["step"].tolist() == [400, None]


def test_arrays_come_back_as_they_were():
    file = npz([a_map("run-s0@50", image="./my cat.png"), a_failure()])
    with np.load(io.BytesIO(file)) as found:
        arrays = dict(found)
    assert list(arrays) == [f"run-s0@50__my-cat.png__saliency__{part}" for part in ("values", "map", "pixels")]
    values, position_map, pixels = arrays.values()
    assert np.array_equal(values, VALUES)
    assert position_map.shape == (4, 4)
    assert pixels.dtype == np.uint8


def test_arrays_of_the_same_name_are_told_apart():
    maps = [a_map(), a_map(target=2), a_map(target=2), a_map(target=2), a_map(layer="stage1")]
    with np.load(io.BytesIO(npz(maps))) as found:
        names = [name.removesuffix("__map") for name in found if name.endswith("__map")]
    name = "run-s0__test-3__saliency"
    assert names == [name, f"{name}__ship", f"{name}__ship__2", f"{name}__ship__3", f"{name}__stage1"]


def test_the_grid_is_a_picture_that_shows_the_maps():
    pictures = [Image.open(io.BytesIO(png([a_map(map=value * np.eye(4, dtype=np.float32))]))) for value in (0, 1)]
    assert pictures[0].format == "PNG"
    blank, drawn = (np.asarray(each.convert("HSV"))[..., 1].mean() for each in pictures)  # the picture itself is grey
    assert drawn > blank


def test_the_grid_is_a_page_that_needs_nothing_else():
    page = html([a_map(title="<b>cats</b>"), a_failure()])
    assert "<title>&lt;b&gt;cats&lt;/b&gt;, Test image 3</title>" in page
    assert "LRP cannot run here." in page
    assert "<script src" not in page
