"""Facts with their checksum: what passes, what is refused."""

import json

import pytest

from explorer.errors import StorageError
from explorer.models.config import NetworkConfig
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.seals import sealed_text, unsealed

FACTS = CheckpointFacts(network=NetworkConfig(depth=8, shortcut="none"), test_error=0.25, recipe={"rate": 1e-5})
VALUES = json.loads(sealed_text(FACTS))


def test_sealed_facts_come_back_in_any_order():
    for values in (VALUES, dict(reversed(VALUES.items()))):
        assert CheckpointFacts(**unsealed(values)) == FACTS


def test_facts_of_earlier_versions_have_no_checksum():
    assert unsealed({"test_error": 0.5}) == {"test_error": 0.5}


@pytest.mark.parametrize(
    "change", [{"test_error": 0.5}, {"recipe": {"rate": 2}}, {"newer": 1}, {"facts_sha256": ""}, {"facts_sha256": []}]
)
def test_another_value_is_refused(change):
    with pytest.raises(StorageError, match="its checksum is wrong"):
        unsealed(VALUES | change)
