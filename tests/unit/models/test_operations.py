"""Operations on blocks as text, and what they do to the places of a network."""

import pytest

from explorer.errors import BadSettings, UnknownName
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.operations import Operation, arrangement, intact, operations_text, parsed, possible
from explorer.models.structure import block_shapes

TEXT = "delete:2.3,swap:1.2-1.3,repeat:3.2,reinit:2.1@0,reinit:2.2@seed7,shortcut:0.5,branch:1.1@0.25,shortcut:1.1@2"


def test_a_text_is_read_and_written_back_exactly():
    found = parsed(TEXT)
    assert operations_text(found) == TEXT
    assert parsed(operations_text(found)) == found
    assert parsed("") == ()


def test_each_part_of_a_text_is_an_operation():
    assert parsed("swap:1.2-1.3, reinit:2.1@100") == (
        Operation("swap", (1, 2), (1, 3)),
        Operation("reinit", (2, 1), weights="100"),
    )
    assert parsed("shortcut:0.1234") == (Operation("shortcut", factor=0.123401),)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("dlete:1.1", UnknownName, "Did you mean 'delete'"),
        ("delete:1", BadSettings, r"'delete:1' is not an operation. Write it as delete:2.3"),
        ("reinit:1.1@x", BadSettings, "reinit:2.1@0 or reinit:2.1@seed7"),
        ("shortcut:3", BadSettings, r"`factor` \(=3.0\) must be between 0 and 2"),
        ("delete:1.9", BadSettings, "names block 1.9; the blocks of resnet20 are 1.1 to 1.3, 2.1 to 2.3, 3.1 to 3.3"),
        ("swap:1.1-1.1", BadSettings, "cannot be swapped with itself. Block 1.1 can be swapped with 1.2, 1.3"),
        ("swap:1.1-2.1", BadSettings, "take or give other shapes. Block 1.1 can be swapped with 1.2, 1.3"),
        ("swap:2.1-2.2", BadSettings, "no other block takes and gives the same shapes. Choose another block, such as"),
        ("repeat:2.1", BadSettings, "cannot follow itself. Choose another block, such as 2.2"),
        ("delete:1.1," * 1001, BadSettings, "number of operations"),
    ],
)
def test_what_is_not_possible_says_why_and_what_is(text, error, message):
    with pytest.raises(error, match=message):
        arrangement(network_config("resnet20"), text)


@pytest.mark.parametrize(
    ("network", "text", "message"),
    [
        ("plain20", "delete:2.1", "no shortcut that could stay. Choose another block, such as 2.2"),
        ("plain20", "shortcut:0.5", "a plain network has no shortcuts. This network has no block with which"),
        ("plain20", "branch:1.1@0.5", "a plain network has no sums"),
        ("densenet-40-12", "delete:2.1", "no shortcut that could stay. Choose another block, such as 2.2"),
        ("densenet-40-12", "swap:1.1-1.2", "no other block takes and gives the same shapes. This network has no"),
        ("densenet-40-12", "shortcut:0", "which all later layers read"),
        ("densenet-40-12", "branch:2.1@0", "a transition has no shortcut beside it. Choose another block, such as 2.2"),
    ],
)
def test_plain_and_dense_networks_say_why_not(network, text, message):
    with pytest.raises(BadSettings, match=message):
        arrangement(network_config(network), text)


@pytest.mark.parametrize(
    "operation",
    [
        {"kind": "delete"},
        {"kind": "delete", "block": (1, 1), "factor": 0.5},
        {"kind": "swap", "block": (1, 1)},
        {"kind": "reinit", "block": (1, 1), "weights": "last"},
        {"kind": "branch", "block": (1, 1), "weights": "0"},
    ],
)
def test_an_operation_has_exactly_the_parts_of_its_kind(operation):
    with pytest.raises(BadSettings):
        Operation(**operation)


@pytest.mark.parametrize("name", NETWORKS)
def test_possible_operations_are_those_that_do_not_raise(name):
    config = network_config(name)
    blocks = possible(config)
    assert [(each.stage, each.block) for each in blocks] == [(each.stage, each.block) for each in block_shapes(config)]
    for each in [*blocks[:3], *(each for each in blocks if each.block == 1), blocks[-1]]:
        place = f"{each.stage}.{each.block}"
        texts = {kind: f"{kind}:{place}" for kind in ("delete", "repeat")}
        texts |= {kind: f"{kind}:{place}@0.5" for kind in ("shortcut", "branch")} | {"reinit": f"reinit:{place}@0"}
        for kind, text in texts.items():
            if kind in each.refused:
                with pytest.raises(BadSettings, match=each.refused[kind].split(",")[0]):
                    arrangement(config, text)
            else:
                assert arrangement(config, text) != intact(config)
        assert bool(each.partners) == ("swap" not in each.refused)
        for stage, block in each.partners[:2]:
            assert arrangement(config, f"swap:{place}-{stage}.{block}") != intact(config)


def test_swapping_twice_is_nothing_and_blocks_keep_their_numbers():
    config = network_config("resnet20")
    assert arrangement(config, "swap:1.1-1.3,swap:1.3-1.1") == intact(config)
    found = arrangement(config, "swap:1.1-1.3,delete:1.3,repeat:1.1,repeat:1.1")
    assert [each.block for each in found[:3]] == [(1, 3), (1, 2), (1, 1)]
    assert [each.deleted for each in found[:3]] == [True, False, False]
    assert [each.times for each in found[:3]] == [1, 1, 3]


def test_a_factor_without_a_block_is_that_of_all_that_have_one():
    found = arrangement(network_config("densenet-40-12"), "branch:0.5")
    assert [each.branch for each in found] == [1.0 if each.block in ((2, 1), (3, 1)) else 0.5 for each in found]
