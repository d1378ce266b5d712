"""Deletion, insertion, infidelity and sensitivity, on networks whose answers are known."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from captum.attr import Saliency
from torch import nn

from explorer import tables
from explorer.attribution import checks
from explorer.attribution.baselines import blurred
from explorer.attribution.checks import deletion_and_insertion, infidelity, sensitivity
from explorer.errors import BadSettings
from explorer.map_results import Curves
from explorer.models.network import build
from explorer.progress import listening


class Weighted(nn.Module):
    """Two scores: the weighted sum of the image, and zero."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, images):
        score = (images * self.weights).sum((1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], 1)


@pytest.fixture
def image(batch):
    return batch[0][:1]


def looking_at_a_corner():
    weights = torch.zeros(3, 8, 8)
    weights[:, :3, :3] = 1.0
    return Weighted(weights)


def test_curves_by_hand():
    """Four positions of one channel, hidden and shown one after the other in the order 3, 0, 2, 1."""
    image = torch.tensor([[[[1.0, -2.0], [0.5, 3.0]]]])
    weights = torch.tensor([[[0.3, 0.2], [-0.4, 0.5]]])
    ranking = torch.tensor([[0.5, -1.0], [0.0, 2.0]])
    soft = blurred(image).flatten().tolist()
    sharp, factors = image.flatten().tolist(), weights.flatten().tolist()
    orders = {"deletion": ([0.0] * 4, sharp), "insertion": (sharp, soft)}
    curves = deletion_and_insertion(Weighted(weights), image, 0, ranking, steps=4)
    for curve, (taken, left) in orders.items():
        expected = []
        for count in range(5):
            changed = [3, 0, 2, 1][:count]
            values = [taken[i] if i in changed else left[i] for i in range(4)]
            score = sum(value * factor for value, factor in zip(values, factors, strict=True))
            expected.append(1 / (1 + math.exp(-score)))
        rows = curves.table[curves.table["curve"] == curve]
        assert list(rows["fraction"]) == [0, 0.25, 0.5, 0.75, 1]
        assert list(rows["probability"]) == pytest.approx(expected, abs=1e-6)
        area = sum((x + y) / 2 * 0.25 for x, y in pairwise(expected))
        assert getattr(curves, curve) == pytest.approx(area, abs=1e-6)


def test_table_has_both_curves_and_the_shifted_orders_between_their_extremes(image):
    curves = deletion_and_insertion(build("resnet8-w4").eval(), image, 3, torch.rand(8, 8), steps=16, random_orders=3)
    table = curves.table
    assert list(table.columns) == tables.DELETION_INSERTION
    assert list(table["curve"]) == ["deletion"] * 17 + ["insertion"] * 17
    assert (table["random_low"] <= table["random"]).all()
    assert (table["random"] <= table["random_high"]).all()
    assert len(curves.random_deletion) == len(curves.random_insertion) == 3
    deletion = table[table["curve"] == "deletion"]
    assert np.mean(curves.random_deletion) == pytest.approx(np.trapezoid(deletion["random"], deletion["fraction"]))


def test_the_map_of_what_is_looked_at_is_better_than_random():
    network, bright = looking_at_a_corner(), torch.zeros(1, 3, 8, 8)
    bright[:, :, :3, :3] = 0.2
    corner = network.weights[0].detach()
    assert deletion_and_insertion(network, bright, 0, corner).verdict == "better_than_random"
    assert deletion_and_insertion(network, bright, 0, -corner).verdict == "not_better"
    assert deletion_and_insertion(network, bright, 0, torch.ones(8, 8)).verdict == "not_better"


@pytest.mark.parametrize(
    ("deletion", "insertion", "expected"),
    [
        (0.1, 0.9, "better_than_random"),
        (0.3, 0.9, "not_better"),  # one order is better in deletion
        (0.1, 0.7, "not_better"),  # in insertion
        (0.2, 0.8, "not_better"),  # as good
    ],
)
def test_every_random_order_has_to_be_worse_in_both(deletion, insertion, expected):
    curves = Curves(pd.DataFrame(), deletion, insertion, (0.5, 0.2, 0.4), (0.5, 0.8, 0.6))
    assert curves.verdict == expected


def test_shifted_maps_are_the_map_elsewhere():
    ranking = torch.zeros(8, 8)
    ranking[0, 0] = 1.0
    moved = list(checks._shifted(ranking, 50, seed=0))
    places = {divmod(int(each.argmax()), 8) for each in moved}
    assert all(each.sum() == 1 for each in moved)
    assert {y for y, _ in places} == {x for _, x in places} == {2, 3, 4, 5, 6}


def test_a_baseline_is_what_deleted_positions_get():
    network, image = looking_at_a_corner(), torch.ones(1, 3, 8, 8)
    curves = deletion_and_insertion(network, image, 0, torch.rand(8, 8), baseline=torch.full((3, 1, 1), -0.1))
    ends = curves.table[curves.table["curve"] == "deletion"]["probability"].iloc[[0, -1]]
    assert list(ends) == pytest.approx([1 / (1 + math.exp(-27)), 1 / (1 + math.exp(2.7))])


def test_curves_do_not_depend_on_how_many_images_are_computed_at_once(image, monkeypatch):
    network, ranking = build("resnet8-w4").eval(), torch.rand(8, 8)
    whole = deletion_and_insertion(network, image, 3, ranking)
    monkeypatch.setattr(checks, "AT_ONCE", 5)
    parts = deletion_and_insertion(network, image, 3, ranking)
    assert list(parts.table["probability"]) == pytest.approx(list(whole.table["probability"]), abs=1e-6)
    assert parts.random_insertion == pytest.approx(whole.random_insertion, abs=1e-6)


def test_the_contributions_of_a_linear_network_foretell_everything(image):
    weights = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))
    contributions = (weights * image[0]).sum(0)
    found = infidelity(Weighted(weights), image, 0, contributions)
    assert found.value == pytest.approx(0, abs=1e-4)
    assert found.unexplained == pytest.approx(0, abs=1e-5)
    assert found.even > 0.5


def test_infidelity_does_not_depend_on_the_unit_of_the_map(image):
    network, values = build("resnet8-w4").eval(), torch.randn(8, 8, generator=torch.Generator().manual_seed(2))
    one, other = (infidelity(network, image, 3, each) for each in (values, -1000 * values))
    assert one.value == pytest.approx(other.value, rel=1e-4)
    assert one.even == other.even


def test_infidelity_is_what_a_least_squares_fit_leaves(image, monkeypatch):
    """Falls of the score against sums over the squares, a line through the origin; nothing of Captum in it."""
    network, values = build("resnet8-w4").eval(), torch.randn(8, 8, generator=torch.Generator().manual_seed(2))
    drawn = []
    squares = checks._squares
    monkeypatch.setattr(checks, "_squares", lambda *given: drawn.append(squares(*given)) or drawn[-1])
    found = infidelity(network, image, 3, values, samples=60)
    hidden = torch.cat(drawn[: len(drawn) // 3])
    assert len(hidden) == 60
    with torch.no_grad():
        falls = (network(image) - network(torch.where(hidden, 0.0, image)))[:, 3].double().numpy()
    sums = (hidden[:, 0] * values).sum((1, 2)).double().numpy()
    (_, residual, *_) = np.linalg.lstsq(sums[:, None], falls, rcond=None)
    assert found.value == pytest.approx(residual[0] / 60, rel=1e-3)
    assert found.unexplained == pytest.approx(residual[0] / (falls**2).sum(), rel=1e-3)
    areas = hidden[:, 0].sum((1, 2)).double().numpy()
    (_, even, *_) = np.linalg.lstsq(areas[:, None], falls, rcond=None)
    assert found.even == pytest.approx(even[0] / (falls**2).sum(), rel=1e-3)


def test_a_map_of_nothing_explains_nothing(image):
    assert infidelity(build("resnet8-w4").eval(), image, 3, torch.zeros(8, 8)).unexplained == 1
    blind = infidelity(Weighted(torch.zeros(3, 8, 8)), image, 0, torch.ones(8, 8))
    assert blind.value == 0
    assert math.isnan(blind.unexplained)


def test_squares_are_squares_of_all_sides_within_the_image():
    squares = checks._squares(np.random.default_rng(0), torch.zeros(500, 3, 9, 12))[:, 0]
    heights, widths = squares.any(2).sum(1), squares.any(1).sum(1)
    assert set(heights.tolist()) == {1, 2, 3}
    assert torch.equal(heights, widths)
    assert torch.equal(squares.sum((1, 2)), heights * widths)
    assert squares.any(0).all()


def test_sensitivity_is_the_largest_change_of_the_map(image):
    """With Captum's saliency called directly on the same neighbours."""
    network = build("resnet8-w4").eval()
    saliency = Saliency(network)
    stream, largest = torch.Generator().manual_seed(5), 0.0
    first = saliency.attribute(image.clone().requires_grad_(), target=3)
    for _ in range(4):
        shifts = (2 * torch.rand(image.shape, generator=stream, dtype=torch.float64) - 1) * 0.1
        other = saliency.attribute((image + shifts.float()).requires_grad_(), target=3)
        largest = max(largest, ((other - first).norm() / first.norm()).item())
    found = sensitivity(network, image, 3, "saliency", {}, radius=0.1, samples=4, seed=5)
    assert found == pytest.approx(largest, rel=1e-4)


def test_the_gradient_of_a_linear_network_is_steady(image):
    network = Weighted(torch.randn(3, 8, 8))
    assert sensitivity(network, image, 0, "saliency", {}) == 0
    assert 0 < sensitivity(network, image, 0, "input_x_gradient", {}) < 0.1


def test_images_may_lie_in_memory_as_batches_of_data_sets_do(image):
    network, ranking = build("resnet8-w4").eval(), torch.rand(8, 8)
    last = image.contiguous(memory_format=torch.channels_last)
    for check in (
        lambda given: deletion_and_insertion(network, given, 3, ranking).insertion,
        lambda given: infidelity(network, given, 3, ranking).value,
        lambda given: sensitivity(network, given, 3, "saliency", {}),
    ):
        assert check(last) == pytest.approx(check(image), rel=1e-3)


def test_random_numbers_of_a_method_are_no_change_of_the_map(image):
    network = build("resnet8-w4").eval()
    assert sensitivity(network, image, 3, "smooth_grad", {"samples": 4}, radius=0.0, samples=3) == 0


def test_the_same_seed_gives_the_same_and_leaves_the_random_numbers_of_others(image):
    network, ranking = build("resnet8-w4").eval(), torch.rand(8, 8)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    for check in (
        lambda seed: deletion_and_insertion(network, image, 3, ranking, seed=seed).random_deletion,
        lambda seed: infidelity(network, image, 3, ranking, seed=seed),
        lambda seed: sensitivity(network, image, 3, "saliency", {}, seed=seed),
    ):
        assert check(1) == check(1) != check(2)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_progress_goes_up_to_one(image):
    network, ranking = build("resnet8-w4").eval(), torch.rand(8, 8)
    for check in (
        lambda: deletion_and_insertion(network, image, 3, ranking),
        lambda: infidelity(network, image, 3, ranking),
        lambda: sensitivity(network, image, 3, "saliency", {}),
    ):
        heard = []
        with listening(heard.append):
            check()
        assert heard == sorted(heard)
        assert heard[-1] == pytest.approx(1)
        assert len(set(heard)) >= 4


def test_results_can_be_sent_to_another_process(image):
    curves = deletion_and_insertion(build("resnet8-w4").eval(), image, 3, torch.rand(8, 8))
    assert pickle.loads(pickle.dumps(curves)).deletion == curves.deletion


def test_the_network_stays_as_it_was(used, unchanged, image):
    network = used("resnet8-w4")
    check = unchanged(network)
    deletion_and_insertion(network, image, 3, torch.rand(8, 8), steps=4)
    infidelity(network, image, 3, torch.rand(8, 8), samples=10)
    sensitivity(network, image, 3, "saliency", {}, samples=2)
    check()
    with pytest.raises(BadSettings):
        sensitivity(network, image, 3, "grad_cam", {"layer": "nowhere"}, samples=2)
    check()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda network, image: deletion_and_insertion(network, image[0], 0, torch.ones(8, 8)),
            "expected (1, C, H, W)",
        ),
        (lambda network, image: infidelity(network, image, 0, torch.ones(3, 8, 8)), "expected (8, 8), one value"),
        (lambda network, image: deletion_and_insertion(network, image, 0, torch.ones(8, 8), steps=65), "`steps` (=65)"),
        (
            lambda network, image: deletion_and_insertion(network, image, 0, torch.ones(8, 8), random_orders=0),
            "`random_orders` (=0) is not at least 1",
        ),
        (lambda network, image: infidelity(network, image, 0, torch.ones(8, 8), samples=1), "`samples` (=1)"),
        (lambda network, image: sensitivity(network, image, 0, "saliency", {}, samples=0), "`samples` (=0)"),
    ],
)
def test_what_cannot_be_checked_is_refused(call, message, image):
    with pytest.raises(BadSettings) as error:
        call(build("resnet8-w4"), image)
    assert message in str(error.value)
