"""Likeness of maps, against answers worked out by hand and by loops."""

import math

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.attribution.agreement import agreement, mean_agreement, rank_correlation, ssim, top_overlap
from explorer.errors import BadSettings


def numbers(seed, shape=(8, 8)):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([[1, 2], [3, 4]], [[10, 200], [3000, 40000]], 1.0),
        ([[1, 2], [3, 4]], [[4, 3], [2, 1]], -1.0),
        ([[1, 2], [3, 4]], [[1, 3], [2, 4]], 1 - 6 * 2 / (4 * (16 - 1))),  # 1 - 6 sum(d^2) / (n (n^2 - 1))
        ([[1, 2], [2, 3]], [[1, 2], [3, 4]], 4.5 / math.sqrt(4.5 * 5)),  # equal values share the mean of their ranks
    ],
)
def test_rank_correlation_by_hand(a, b, expected):
    assert rank_correlation(np.array(a), np.array(b)) == pytest.approx(expected)


def test_a_constant_map_has_no_order():
    assert math.isnan(rank_correlation(np.ones((4, 4)), numbers(0, (4, 4))))
    assert math.isnan(top_overlap(numbers(0, (4, 4)), np.ones((4, 4))))


def test_overlap_counts_the_common_positions():
    a = np.arange(20.0).reshape(4, 5)  # the highest tenth: positions 18 and 19
    b = a.copy()
    b[0, 0] = 100.0  # now 0 and 19
    assert top_overlap(a, b) == 0.5
    assert top_overlap(a, a) == 1.0
    assert top_overlap(a, -a) == 0.0
    assert top_overlap(a, b, part=1) == 1.0


def test_the_highest_are_the_largest_values_not_sizes():
    a = np.zeros((4, 5))
    b = np.zeros((4, 5))
    a[0, :2], b[2, :2], b[0, :2] = 1.0, 1.0, -5.0
    assert top_overlap(a, b) == 0.0


def test_of_equal_values_the_earlier_is_higher():
    a, b, c = np.zeros((3, 40, 50))
    a[39, 49] = 1.0  # then positions 0 to 198
    b[39, 48] = 1.0  # then the same
    c[0, 0] = -1.0  # positions 1 to 200
    assert top_overlap(a, b) == 199 / 200
    assert top_overlap(a, c) == 198 / 200


def ssim_by_loops(a, b, radius, span):
    """Wang et al. 2004, equation 13 with the constants of section III.C."""
    shift = span - 1  # of maps with values below zero
    a, b = a / np.abs(a).max() + shift, b / np.abs(b).max() + shift
    offsets = range(-radius, radius + 1)
    weights = {(i, j): math.exp(-(i * i + j * j) / (2 * 1.5**2)) for i in offsets for j in offsets}
    whole = sum(weights.values())
    found = []
    for y in range(radius, a.shape[0] - radius):
        for x in range(radius, a.shape[1] - radius):
            window = [(w / whole, a[y + i, x + j], b[y + i, x + j]) for (i, j), w in weights.items()]
            mean_a, mean_b = sum(w * p for w, p, _ in window), sum(w * q for w, _, q in window)
            var_a = sum(w * (p - mean_a) ** 2 for w, p, _ in window)
            var_b = sum(w * (q - mean_b) ** 2 for w, _, q in window)
            cov = sum(w * (p - mean_a) * (q - mean_b) for w, p, q in window)
            c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
            above = (2 * mean_a * mean_b + c1) * (2 * cov + c2)
            found.append(above / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
    return sum(found) / len(found)


@pytest.mark.parametrize(("shape", "radius"), [((3, 5), 0), ((6, 7), 1), ((8, 8), 2), ((22, 24), 5), ((41, 40), 5)])
@pytest.mark.parametrize("signed", [True, False])
def test_ssim_by_loops(shape, radius, signed):
    a, b = numbers(0, shape), 7 * numbers(1, shape)
    a, b = (a, 3 * a + b) if signed else (abs(a), abs(3 * a + b))
    assert ssim(a, b) == pytest.approx(ssim_by_loops(a, b, radius, 2 if signed else 1))


def test_ssim_does_not_depend_on_the_unit_of_a_map():
    a, b = numbers(0), numbers(1)
    assert ssim(a, b) == pytest.approx(ssim(1000 * a, b / 1000))
    assert ssim(a, 5 * a) == pytest.approx(1.0)
    assert ssim(np.zeros((8, 8)), np.zeros((8, 8))) == 1.0


def test_opposite_maps_are_unlike_also_where_they_are_far_from_zero():
    a = numbers(0) + 3
    assert ssim(a, -a) < 0


def test_every_map_meets_every_map():
    maps = {"one": numbers(0), "two": numbers(1), "three": numbers(2)}
    table = agreement(maps)
    assert list(table.columns) == tables.AGREEMENT
    assert list(zip(table["a"], table["b"], strict=True)) == [(a, b) for a in maps for b in maps]
    for row in table.itertuples():
        a, b = maps[row.a], maps[row.b]
        assert row.rank_correlation == pytest.approx(rank_correlation(a, b))
        assert row.top_overlap == pytest.approx(top_overlap(a, b))
        assert row.ssim == pytest.approx(ssim(a, b))


def test_maps_in_single_precision_compare_as_in_double():
    maps = {"one": numbers(0), "two": numbers(1)}
    single = agreement({name: each.astype(np.float32) for name, each in maps.items()})
    pd.testing.assert_frame_equal(single, agreement(maps), rtol=1e-5)


def test_mean_and_spread_over_images():
    first = agreement({"one": numbers(0), "two": numbers(1)})
    second = agreement({"one": numbers(2), "two": numbers(3)})
    table = mean_agreement([first, second])
    assert list(table.columns) == tables.MEAN_AGREEMENT
    assert list(zip(table["a"], table["b"], strict=True)) == [(a, b) for a in ("one", "two") for b in ("one", "two")]
    for measure in tables.LIKENESS:
        x, y = first[measure][1], second[measure][1]
        assert table[measure][1] == pytest.approx((x + y) / 2)
        assert table[f"{measure}_std"][1] == pytest.approx(abs(x - y) / math.sqrt(2))
    assert list(table["images"]) == [2, 2, 2, 2]


def test_images_with_a_constant_map_are_left_out_of_its_pairs_only():
    first = agreement({"one": numbers(0), "two": numbers(1), "three": numbers(4)})
    second = agreement({"one": numbers(2), "two": np.zeros((8, 8)), "three": numbers(5)})
    table = mean_agreement([first, second]).set_index(["a", "b"])
    assert table["images"]["one", "two"] == 1
    assert table["ssim"]["one", "two"] == pytest.approx(first["ssim"][1])
    assert math.isnan(table["ssim_std"]["one", "two"])
    assert table["images"]["one", "three"] == 2


def test_tables_are_not_changed():
    first = agreement({"one": np.zeros((8, 8)), "two": numbers(1)})
    before = first.copy()
    mean_agreement([first, first])
    pd.testing.assert_frame_equal(first, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ssim(np.ones((4, 4)), np.ones((4, 5))), "shapes (4, 4) and (4, 5) cannot be compared"),
        (lambda: rank_correlation(np.ones(4), np.ones(4)), "Give two of one shape (H, W)"),
        (lambda: top_overlap(np.ones((4, 4)), np.ones((4, 4)), part=0), "`part` (=0) is not above 0"),
        (lambda: agreement({"one": np.ones((4, 4))}), "two maps or more, and there are 1"),
        (lambda: mean_agreement([]), "no images to average over"),
    ],
)
def test_what_does_not_compare_is_refused(call, message):
    with pytest.raises(BadSettings) as error:
        call()
    assert message in str(error.value)
