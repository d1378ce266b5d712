"""Linear CKA: agrees with a naive computation, invariances, the unbiased estimator, and an outlier that deceives it."""

import numpy as np
import pytest
import torch

from explorer import tables
from explorer.analysis.similarity import LayerSimilarity, linear_cka, outlier_example, similarity_table
from explorer.errors import BadSettings
from explorer.models.features import feature_points
from explorer.models.network import build


def noise(seed, count=40, width=12):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def naive_cka(first, second):
    """Kornblith et al. 2019, equation 5: in the space of features."""
    first, second = (each.double() - each.double().mean(0) for each in (first, second))

    def cross(one, other):
        return (one.T @ other).square().sum()

    return float(cross(first, second) / (cross(first, first) * cross(second, second)).sqrt())


def naive_hsic1(first, second):
    """Song et al. 2012, equation 5."""
    n = len(first)
    one, other = ((each.double() @ each.double().T).fill_diagonal_(0).numpy() for each in (first, second))
    ones = np.ones(n)
    whole = ones @ one @ ones * (ones @ other @ ones) / ((n - 1) * (n - 2))
    return (np.trace(one @ other) + whole - 2 / (n - 2) * ones @ one @ other @ ones) / (n * (n - 3))


def naive_unbiased(first, second):
    return naive_hsic1(first, second) / np.sqrt(naive_hsic1(first, first) * naive_hsic1(second, second))


@pytest.mark.parametrize("unbiased", [False, True])
def test_it_is_one_for_the_same_and_does_not_change_with_rotation_scale_and_shift(unbiased):
    x, y = noise(0), noise(0) @ noise(1, 12, 20) + noise(2, 40, 20)
    rotation = torch.linalg.qr(noise(3, 20, 20))[0]
    assert linear_cka(x, x, unbiased=unbiased) == pytest.approx(1)
    assert linear_cka(x, 3 * y @ rotation + 5, unbiased=unbiased) == pytest.approx(linear_cka(x, y, unbiased=unbiased))
    assert linear_cka(x, y[torch.randperm(40)], unbiased=unbiased) < linear_cka(x, y, unbiased=unbiased) - 0.1


def test_it_is_what_the_papers_write():
    x, y = noise(0) + 1, noise(0) @ noise(1, 12, 20) + 2
    assert linear_cka(x, y) == pytest.approx(naive_cka(x, y), rel=1e-5)
    assert linear_cka(x, y, unbiased=True) == pytest.approx(naive_unbiased(x, y), rel=1e-5)


def test_independent_noise_has_none_once_unbiased():
    x, y = noise(0, 50, 400), noise(1, 50, 400)
    assert linear_cka(x, y) > 0.8
    assert abs(linear_cka(x, y, unbiased=True)) < 0.05


def test_layers_of_two_networks_over_batches():
    """As features read by plain hooks, and HSIC_1 averaged over batches."""
    networks = [build("resnet8-w4").eval(), build("plain14-w4").eval()]
    points = [feature_points(each, "all") for each in networks]
    batches = [torch.randn(10, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    similarity = LayerSimilarity(networks, points)
    for batch in batches:
        similarity.add([batch, batch])
    kept = []
    for network, chosen in (("plain14-w4", "stages.1.0"), ("resnet8-w4", "stages.0.0.norm1")):
        module = networks[network == "plain14-w4"].get_submodule(chosen)
        features = []
        handle = module.register_forward_hook(lambda m, i, out, features=features: features.append(out.flatten(1)))
        with torch.no_grad():
            for batch in batches:
                networks[network == "plain14-w4"](batch)
        handle.remove()
        kept.append(features)
    one, other = kept

    def mean(first, second):
        return np.mean([naive_hsic1(x, y) for x, y in zip(first, second, strict=True)])

    expected = mean(one, other) / np.sqrt(mean(one, one) * mean(other, other))
    table = similarity_table([("a", "resnet8-w4", "residual", 8, 0), ("b", "plain14-w4", "plain", 14, 0)], points,
                             similarity.matrix)  # fmt: skip
    assert list(table.columns) == tables.CKA
    assert len(table) == (1 + 3 * 3 + 1 + 6 * 3) ** 2
    found = table[(table["name_a"] == "stages.1.0") & (table["reference_a"] == "b")]
    found = found[(found["name_b"] == "stages.0.0.norm1") & (found["reference_b"] == "a")]
    assert found["cka"].item() == pytest.approx(expected, rel=1e-4)
    assert similarity.images == 20


def test_one_image_moved_where_the_classifier_does_not_look_takes_the_similarity():
    classifier = build("resnet8").classifier
    table = outlier_example(noise(0, 60, 64).relu(), classifier)
    assert list(table.columns) == tables.CKA_PITFALL
    assert table["cka"].iloc[0] == pytest.approx(1)
    assert table["cka"].iloc[-1] < 0.2
    assert (table["changed_predictions"] == 0).all()
    assert table["largest_difference"].max() < 1e-9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linear_cka(noise(0, 3), noise(1, 3)), "hold 3 and 3 images"),
        (lambda: linear_cka(noise(0, 30), noise(1, 20)), "hold 30 and 20 images"),
        (lambda: outlier_example(noise(0, 20, 4), build("resnet8-w1").classifier), "10 classes and 4 features"),
        (lambda: outlier_example(noise(0, 20, 64), build("resnet8").classifier, moved=20), r"`moved` (=20) must be"),
    ],
)
def test_what_cannot_be_compared_is_said(call, message):
    with pytest.raises(BadSettings) as raised:
        call()
    assert message in str(raised.value)
