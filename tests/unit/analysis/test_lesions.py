"""Versions of a network computed together give what each gives alone; and blocks are chosen as asked."""

from itertools import combinations

import numpy as np
import pytest
import torch

from explorer.analysis.block_choices import deletable, random_deletions, random_order, spread
from explorer.analysis.lesions import operated_scores
from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.network import build
from explorer.models.operated import operated
from explorer.models.operations import arrangement
from tests.unit.conftest import trained

NAMES = ["plain20-w4", "resnet20-w4", "resnet20-b-w4", "preresnet20-w4", "seresnet20-w4", "densenet-22-4"]
TEXTS = {
    "plain": ["", "delete:3.3", "delete:1.1", "swap:2.2-2.3,delete:1.2", "reinit:2.1@seed3"],
    "dense": ["", "delete:3.3", "delete:1.1", "branch:0.5", "reinit:2.1@seed3"],
    "residual": ["", "delete:3.3", "delete:1.1", "shortcut:0.5", "swap:1.1-1.3,repeat:2.2,branch:2.1@0.5",
                 "reinit:2.1@seed3", "delete:2.1,delete:2.2"],
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_each_operated_network(name, unchanged):
    """Also of the first version, whose features a fused block of another might overwrite, and in every part."""
    network = trained(name)
    check = unchanged(network)
    images = torch.randn(7, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    texts = TEXTS[network.config.kind]
    versions = [arrangement(network.config, text) for text in texts]
    found = torch.cat(list(operated_scores(network, images.split(3), versions)), 1)
    check()
    assert found.shape == (len(texts), 7, 10)
    with torch.no_grad():
        for text, scores in zip(texts, found, strict=True):
            expected = operated(network, text)(images)
            torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-4 * float(expected.std()))


def test_parts_not_begun_are_not_computed_after_the_last_one_that_is_wanted():
    network = build("resnet8-w4").eval()
    given = []

    def parts():
        for number in range(100):
            given.append(number)
            yield torch.zeros(1, 3, 8, 8)

    scores = operated_scores(network, parts(), [arrangement(network.config, "")])
    next(scores)
    scores.close()
    assert len(given) < 20
    assert torch.get_num_threads() >= 1


def test_random_deletions_are_of_blocks_that_keep_the_shape_and_repeatable():
    config = network_config("resnet56")
    assert len(deletable(config)) == 25
    assert (2, 1) not in deletable(config)
    first, again, other = (random_deletions(config, 5, repeat=repeat, seed=0) for repeat in (0, 0, 1))
    assert first == again != other
    assert len({each.block for each in first}) == 5
    with pytest.raises(BadSettings, match="number of deleted blocks"):
        random_deletions(config, 26, repeat=0, seed=0)


@pytest.mark.parametrize("distance", [0.0, 0.1, 0.5, 1.0])
def test_an_order_has_the_kendall_tau_distance_asked_for(distance):
    """Counted over all pairs of blocks that can be exchanged."""
    config = network_config("resnet56")
    operations, found = random_order(config, distance, repeat=0, seed=0)
    order = [each.block for each in arrangement(config, operations)]
    place = {block: order.index(block) for block in order}
    groups = [[(1, block) for block in range(1, 10)], *([(stage, block) for block in range(2, 10)] for stage in (2, 3))]
    pairs = [pair for group in groups for pair in combinations(group, 2)]
    reversed_pairs = sum(place[a] > place[b] for a, b in pairs)
    assert found == reversed_pairs / len(pairs) == pytest.approx(distance, abs=0.01)
    assert [each[0] for each in order] == sorted(each[0] for each in order)
    assert random_order(config, distance, repeat=0, seed=0)[0] == operations


def test_a_network_without_blocks_to_exchange_says_so():
    with pytest.raises(BadSettings, match="No two blocks of resnet8"):
        random_order(network_config("resnet8"), 0.5, repeat=0, seed=0)


def test_mean_and_quartiles():
    assert spread([0.0, 1.0, 2.0, 3.0, 4.0]) == (2.0, 1.0, 3.0)
    np.testing.assert_allclose(spread([0.3]), (0.3, 0.3, 0.3))
