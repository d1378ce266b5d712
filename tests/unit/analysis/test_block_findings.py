"""Sentences about studies of blocks say what their tables say."""

import numpy as np
import pandas as pd
import pytest

from explorer.analysis.block_findings import (
    iteration_findings,
    landscape_findings,
    local_minima,
    outlier_finding,
    path_findings,
    place,
    probe_findings,
    probed_image_finding,
    refinement_findings,
    similarity_findings,
    trajectory_finding,
)
from explorer.block_results import Trajectory


def keyed(rows, *, network="resnet8", reference="", step=10):
    kind = "plain" if network.startswith("plain") else "residual"
    depth = int(network.removeprefix("plain").removeprefix("resnet"))
    keys = {"reference": reference or network, "network": network, "kind": kind, "depth": depth, "step": step}
    return pd.DataFrame([keys | row for row in rows])


def probes(errors, spread=0.01, **keys):
    return keyed([{"error": each, "standard_error": spread, "block": at} for at, each in enumerate(errors)], **keys)


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (
            (0.7, 0.6, 0.3, 0.1),
            "falls from 70.0 % after the stem to 10.0 % at the end, half of it by block 2 of 3",
        ),
        ((0.1, 0.2, 0.7), "rises from 10.0 % after the stem to 70.0 % at the end, half of it by block 2 of 2"),
        ((0.5, 0.3, 0.49), "does not change clearly, 50.0 % after the stem and 49.0 % at the end"),
    ],
)
def test_the_fall_of_the_probes_is_told_with_the_block_of_its_half(errors, said):
    (found,) = probe_findings(probes(errors))
    assert found == f"resnet8: the probes' error {said}."


def test_networks_come_plain_first_and_are_told_apart():
    tables = [
        probes((0.5, 0.1), reference="a", step=10),
        probes((0.5, 0.1), reference="a@0", step=0),
        probes((0.5, 0.1), network="plain8"),
        probes((0.5, 0.1), network="resnet20", reference="run-one"),
        probes((0.5, 0.1), network="resnet20", reference="run-two"),
    ]
    names = [each.partition(":")[0] for each in probe_findings(pd.concat(tables))]
    assert names == ["plain8", "resnet8 at step 0", "resnet8 at step 10", "run-one", "run-two"]


def test_images_that_were_right_before_are_counted_among_the_mistakes():
    images = pd.DataFrame(
        [(0, 0, 1.0, 3), (0, 0, 2.0, 2), (0, 0, 4.0, 2), (0, 1, np.nan, 2), (0, 1, np.nan, 0)],
        columns=["label", "prediction", "right_from", "right_points"],
    )
    assert probed_image_finding(images, 4) == (
        "Half of the correctly classified images are right in all probes from block 2 on. Of 2 misclassified images, "
        "out of 5, 1 are classified correctly by a probe on the way."
    )


def test_points_of_a_network_have_names():
    assert [place(point, 3) for point in (0, 1, 3, 4)] == ["the stem", "block 1", "block 3", "the end"]


def test_similarities_are_means_over_different_layers_and_name_the_best_match():
    rows = []
    cka = {("x", "x"): [[1, 0.4], [0.4, 1]], ("y", "y"): [[1, 0.6], [0.6, 1]], ("x", "y"): [[0.1, 0.2], [0.5, 0.3]]}
    for (one, other), values in cka.items():
        for a, line in enumerate(values):
            for b, value in enumerate(line):
                sides = {"a": (one, a), "b": (other, b)}
                row = {"cka": value}
                for side, (name, point) in sides.items():
                    keys = {"reference": name, "network": name, "kind": "residual", "depth": 8, "step": 1}
                    keys |= {"point": point, "name": "stem" if point == 0 else "b", "stage": 1, "block": point}
                    row |= {f"{key}_{side}": value for key, value in keys.items()}
                rows.append(row)
    mean, match = similarity_findings(pd.DataFrame(rows))
    assert mean == "Mean CKA of different layers: 0.40 within x, 0.60 within y, 0.28 between x and y."
    assert match == "Most like the end of x in y: the stem, CKA 0.50."


def test_the_example_says_what_became_of_the_predictions():
    table = pd.DataFrame(
        {
            "moved": [1, 1],
            "distance": [0.0, 50.0],
            "cka": [1.0, 0.02],
            "unbiased_cka": [1.0, 0.94],
            "changed_predictions": [0, 0],
        }
    )
    said = (
        "1 image moved by 50 times the root mean square distance of the images from their mean: CKA goes from 1.00 to "
        "0.02, the unbiased estimate from 1.00 to 0.94, and "
    )
    assert outlier_finding(table) == f"{said}no prediction changes."
    assert outlier_finding(table.assign(changed_predictions=[0, 3])) == f"{said}3 predictions change."


@pytest.mark.parametrize(
    ("share", "said"),
    [((0.5, 0.5, 0), "short paths"), ((0, 0, 1), "long paths"), ((0.25, 0.5, 0.25), "paths of average length")],
)
def test_the_length_by_gradient_is_held_against_the_length_by_number(share, said):
    rows = [{"length": at, "paths": paths, "share": share[at]} for at, paths in enumerate((1.0, 2.0, 1.0))]
    (found,) = path_findings(keyed(rows))
    mean = sum(at * part for at, part in enumerate(share))
    assert found == f"resnet8: {said} carry the gradient, of {mean:.1f} blocks on average, against 1.0 of all paths."


def test_a_plain_network_has_one_path():
    table = keyed([{"length": 3, "paths": 1.0, "share": 1.0}], network="plain8")
    assert path_findings(table) == ["plain8 has one path, through all 3 blocks."]


def landscape(grid):
    size = len(grid[0])
    ticks = np.linspace(-1, 1, size)
    places = [(a, b, grid[j][i]) for j, b in enumerate(ticks if len(grid) > 1 else [0]) for i, a in enumerate(ticks)]
    return keyed([{"a": a, "b": b, "loss": loss} for a, b, loss in places])


def test_the_loss_at_the_network_and_around_it_is_told():
    assert landscape_findings(landscape([[3, 3, 3], [3, 1, 3], [3, 3, np.nan]])) == [
        "resnet8: loss 1 at the network, median 3 around it."
    ]
    assert "lowest" not in landscape_findings(landscape([[5, 0.9999, 1, 2, 3]]))[0]
    assert landscape_findings(landscape([[5, 0.5, 1, 2, 3]])) == [
        "resnet8: loss 1 at the network, median 2 around it, lowest 0.5; 1 local minimum inside the grid."
    ]


def test_local_minima_are_lower_than_all_their_neighbours():
    grid = np.full((5, 5), 2.0)
    grid[1, 1] = grid[3, 3] = 1.0
    grid[0, 3] = 0.0  # at the edge
    assert local_minima(grid) == 2
    grid[2, 2] = 1.0
    assert local_minima(grid) == 0
    assert local_minima(np.array([[3.0, 1.0, 2.0, 1.5, np.inf]])) == 2


def test_a_trajectory_tells_its_ends_and_its_plane():
    moments = pd.DataFrame({"step": [0, 5, 1000], "loss": [2.3, 1.0, 0.25]})
    found = Trajectory("r", "resnet8", "residual", 8, (0.7, 0.25), moments, pd.DataFrame())
    assert trajectory_finding(found) == (
        "resnet8: this plane holds 95.0 % of the variance of the weights over 3 moments; the loss goes from 2.3 at "
        "step 0 to 0.25 at step 1,000."
    )


def test_blocks_that_move_downhill_and_nearer_are_counted():
    rows = [
        {"stage": 1, "block": 1, "cosine": 0.1, "cosine_low": 0.05, "distance": 0.9},
        {"stage": 1, "block": 2, "cosine": 0.2, "cosine_low": -0.1, "distance": 0.5},
        {"stage": 1, "block": 3, "cosine": 0.0, "cosine_low": -0.1, "distance": 0.7},
        {"stage": 1, "block": 4, "cosine": -0.1, "cosine_low": -0.2, "distance": 0.0},
        {"stage": 2, "block": 1, "cosine": np.nan, "cosine_low": np.nan, "distance": 0.2},
        {"stage": 2, "block": 2, "cosine": -0.1, "cosine_low": -0.2, "distance": 0.0},
    ]
    (found,) = refinement_findings(keyed(rows))
    assert found == (
        "resnet8: F(x) points downhill in 1 of 5 blocks, most in 1.2 (cosine 0.20); 1 of 2 steps lead nearer to the "
        "stage's end."
    )


def test_stages_of_one_block_have_nothing_to_compare():
    block = {"stage": 1, "block": 1, "cosine": 0.1, "cosine_low": 0.05, "distance": 0.0}
    (found,) = refinement_findings(keyed([block]))
    assert found == "resnet8: F(x) points downhill in 1 of 1 blocks, most in 1.1 (cosine 0.10)."
    (found,) = refinement_findings(keyed([block | {"cosine": np.nan, "cosine_low": np.nan}]))
    assert found == "resnet8: no stage has blocks to compare."


def test_a_second_application_is_told_block_by_block_or_as_a_range():
    def iterated(blocks):
        return keyed([
            {"stage": 1, "block": block, "times": times, "error": {0: 0.9, 1: 0.1, 2: 0.1 * block}[times]}
            for block in range(1, blocks + 1)
            for times in (0, 1, 2)
        ])  # fmt: skip

    said = "resnet8: applied twice, a block takes the error from 10.0 % to "
    assert iteration_findings(iterated(2)) == [f"{said}10.0 % (block 1.1), 20.0 % (block 1.2)."]
    assert iteration_findings(iterated(5)) == [f"{said}10.0 % to 50.0 %, depending on the block."]
