"""A study is a question: runs and checkpoints are afterwards what they were, to the byte."""

import pytest

from explorer.attribution.question import Question
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.store import checkpoint_folder
from explorer.studies import attributions, evaluations, layers
from explorer.studies.predictions import predictions


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    "study",
    [
        evaluations.evaluations,
        evaluations.ensemble,
        predictions,
        layers.response_std,
        lambda references: layers.response_histogram(references, 3),
        layers.residual_ledger,
        layers.gradient_profile,
        lambda references: attributions.attribution_map(references[0], "test:3"),
        lambda references: attributions.layer_maps(references[0], "test:3"),
        lambda references: attributions.check(references[0], "test:3"),
        lambda references: attributions.agreement_of_networks(references, 1),
        lambda references: attributions.agreement_of_methods(
            references[0], 1, [Question("saliency"), Question("grad_cam")]
        ),
    ],
)
def test_a_study_writes_nothing(study, run, home):
    network = build("resnet8-w4", channels=1)
    checkpoint_folder().mkdir(parents=True)
    facts = CheckpointFacts(network=network.config, data="digits")  # as of an import: no test error is known
    save_checkpoint(network, checkpoint_folder() / "theirs.safetensors", facts)
    before = contents(home)
    study(["theirs", run])
    assert contents(home) == before


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
