"""The loop against a loop written out here, and what it promises about seeds, resuming and failing."""

import copy
import dataclasses
from functools import partial

import pandas as pd
import pytest
import torch
from torch.nn import functional

from explorer import tables
from explorer.data.batches import Batches
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, TrainingFailed
from explorer.models.network import build
from explorer.training import loop
from explorer.training.captured import CapturedStep
from explorer.training.evaluation import evaluate
from explorer.training.loop import Training, train
from explorer.training.recipe import Recipe

SMALL = "resnet8-w4"
MAKE_BLOCK = Training._make_block
RECIPE = Recipe(steps=6, batch_size=16, learning_rate=0.05, evaluate_every=3, evaluate_images=50, precision="fp32")


def weights(training):
    return torch.cat([tensor.flatten().double() for tensor in training.network.state_dict().values()])


def test_records_make_a_table_with_evaluations_at_start_end_and_between():
    table = pd.DataFrame(train(SMALL, "digits", RECIPE, device="cpu"))
    assert list(table) == tables.METRICS
    assert table["step"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert table.index[table["test_error"].notna()].tolist() == [0, 3, 6]
    assert table["seconds"].is_monotonic_increasing
    assert table["loss"][1:].gt(0).all()


def test_each_update_is_sgd_with_momentum_and_weight_decay_written_out():
    recipe = RECIPE.model_copy(update={"momentum": 0.9, "weight_decay": 0.01, "schedule": "cosine", "steps": 4})
    network = build(SMALL, channels=1)
    reference = copy.deepcopy(network)
    losses = [record.loss for record in train(network, "digits", recipe, device="cpu")][1:]
    batches = Batches(load_data("digits"), batch_size=16)
    velocity = [torch.zeros_like(p) for p in reference.parameters()]
    for step in range(4):
        images, labels = batches.batch(step)
        loss = functional.cross_entropy(reference(images), labels)
        assert loss.item() == pytest.approx(losses[step], rel=1e-4)
        gradients = torch.autograd.grad(loss, list(reference.parameters()))
        with torch.no_grad():
            for p, gradient, v in zip(reference.parameters(), gradients, velocity, strict=True):
                v.mul_(0.9).add_(gradient + 0.01 * p)
                p.sub_(recipe.learning_rate_at(step) * v)
    for expected, found in zip(reference.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    runs = [train(SMALL, "digits", RECIPE, seed=seed, device="cpu") for seed in (1, 1, 2)]
    for run in runs:
        list(run)
    assert torch.equal(weights(runs[0]), weights(runs[1]))
    assert not torch.equal(weights(runs[0]), weights(runs[2]))


@pytest.mark.parametrize("stop_after", [0, 1, 4, 6])
def test_a_restored_training_ends_with_the_same_bits_and_records(stop_after):
    whole = train(SMALL, "digits", RECIPE, device="cpu")
    records = list(whole)
    first = train(SMALL, "digits", RECIPE, device="cpu")
    early = [next(first) for _ in range(stop_after + 1)]
    second = train(SMALL, "digits", RECIPE, device="cpu")
    second.restore(copy.deepcopy(first.state()))
    both = early + list(second)
    assert torch.equal(weights(whole), weights(second))
    assert [(r.step, r.loss, r.test_error) for r in both] == [(r.step, r.loss, r.test_error) for r in records]


BLOCKS = RECIPE.model_copy(update={"steps": 14, "evaluate_every": 7, "probe_every": 4})


@pytest.mark.parametrize(
    ("network", "changes"),
    [(SMALL, {}), (SMALL, {"stochastic_depth": 0.5}), (SMALL, {"augment": True})],
)
def test_steps_in_blocks_give_the_same_bits_and_records_and_probes(network, changes):
    recipe = BLOCKS.model_copy(update=changes)
    answers = []
    for block_steps in (1, 3, 100):
        training = train(network, "digits", recipe, device="cpu", block_steps=block_steps)
        records, probes = [], []
        for record in training:
            assert training.step == record.step
            records.append(dataclasses.replace(record, seconds=0, images_per_second=None))
            if training.probe_due:
                probes.append(training.probe())
        answers.append((records, probes, weights(training).tolist()))
    assert answers[0] == answers[1] == answers[2]
    assert [record.step for record in records] == list(range(recipe.steps + 1))


def test_the_gentle_start_ends_at_the_same_step_in_blocks(monkeypatch):
    monkeypatch.setattr(loop, "GENTLE_START_DEPTH", 8)
    monkeypatch.setattr(loop, "GENTLE_START_ERROR", 0.9)
    monkeypatch.setattr(loop, "ERROR_MEMORY", 0.5)
    runs = [train(SMALL, "digits", BLOCKS, device="cpu", block_steps=block_steps) for block_steps in (1, 100)]
    rates, others = ([record.learning_rate for record in run][1:] for run in runs)
    assert rates == others
    assert rates[5] == pytest.approx(0.005)
    assert rates[6] == pytest.approx(0.05)  # inside what would be a block otherwise


def test_a_block_is_fetched_at_once(monkeypatch):
    made = []
    monkeypatch.setattr(loop, "BLOCK_SECONDS", 1e9)
    monkeypatch.setattr(Training, "_make_block", lambda self: made.append(self.step) or MAKE_BLOCK(self))
    list(train(SMALL, "digits", BLOCKS, device="cpu", block_steps=100))
    assert made == [0, 1, 2, 4, 5, 7, 8, 10, 12]  # ends at evaluations, probes and snapshots


@pytest.mark.parametrize("stop_after", range(8))
def test_a_training_goes_on_exactly_from_inside_a_block(stop_after, tmp_path):
    recipe = BLOCKS.model_copy(update={"probe_every": 0})
    whole = train(SMALL, "digits", recipe, device="cpu")
    records = list(whole)
    first = train(SMALL, "digits", recipe, device="cpu", block_steps=100)
    early = [next(first) for _ in range(stop_after + 1)]
    torch.save(first.state(), tmp_path / "state.pt")
    second = train(SMALL, "digits", recipe, device="cpu", block_steps=100)
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert second.step == stop_after
    both = early + list(second)
    assert torch.equal(weights(whole), weights(second))
    assert [(r.step, r.loss, r.test_error) for r in both] == [(r.step, r.loss, r.test_error) for r in records]


def test_the_last_test_error_is_that_of_the_whole_test_set():
    network = build(SMALL, channels=1)
    *_, last = train(network, "digits", RECIPE, device="cpu")
    assert last.test_error == evaluate(network, "digits")["error"]
    assert network.training


def test_evaluation_counts_wrong_answers_in_evaluation_mode():
    network = build(SMALL, channels=1)
    data = load_data("digits")
    images = torch.from_numpy(data.test_pixels.copy()).permute(0, 3, 1, 2) / 255
    mean, std = data.train_pixels.mean() / 255, data.train_pixels.std() / 255
    with torch.no_grad():
        scores = copy.deepcopy(network).eval()((images - mean) / std)
    labels = torch.from_numpy(data.test_labels.copy())
    result = evaluate(network, "digits")
    assert result["error"] == (scores.argmax(1) != labels).double().mean().item()
    assert result["loss"] == pytest.approx(functional.cross_entropy(scores, labels).item(), rel=1e-4)
    assert result["images"] == 360
    assert network.training


def test_a_loss_that_is_not_finite_ends_the_run_with_its_step():
    hot = {"learning_rate": 1000, "weight_decay": 100, "schedule": "constant"}
    recipe = Recipe(steps=50, batch_size=16, evaluate_images=10, **hot)
    training = train(SMALL, "digits", recipe, device="cpu")
    with pytest.raises(
        TrainingFailed, match=r"The loss is not finite \(=nan|inf\) at step \d+. Try a lower learning rate"
    ):
        list(training)
    assert training.step < 50


def test_a_loss_that_is_not_finite_inside_a_block_ends_the_run_at_its_step_without_a_state():
    hot = {"learning_rate": 1000, "weight_decay": 100, "schedule": "constant"}
    recipe = Recipe(steps=50, batch_size=16, evaluate_images=10, probe_every=0, **hot)
    one, many = (train(SMALL, "digits", recipe, device="cpu", block_steps=count) for count in (1, 50))
    records = []
    for training in (one, many):
        records.append([])
        with pytest.raises(TrainingFailed, match=r"The loss is not finite \(=nan|inf\) at step"):
            records[-1].extend(record.loss for record in training)
        records[-1].append(training.step)
    assert records[0] == records[1]
    one.state()
    with pytest.raises(TrainingFailed, match="The loss is not finite"):
        many.state()


def test_a_step_that_cannot_be_captured_is_made_without(monkeypatch):
    plain = train(SMALL, "digits", BLOCKS, device="cpu", block_steps=4)
    list(plain)
    assert not plain.capture_failure

    def capturing(training):
        training._rate = torch.tensor(0.0)
        return CapturedStep(partial(training._update_by, rate=training._rate))

    monkeypatch.setattr(Training, "_to_capture", capturing)
    captured = train(SMALL, "digits", BLOCKS, device="cpu", block_steps=4)
    list(captured)
    assert captured.capture_failure  # there is no CUDA graph on a CPU
    assert torch.equal(weights(plain), weights(captured))


def test_the_paper_starts_110_layers_at_a_tenth_until_the_error_is_below_80_percent():
    recipe = Recipe(steps=3, batch_size=16, learning_rate=0.1, evaluate_images=10)
    deep = train("plain110-w1", "digits", recipe, device="cpu")
    assert [record.learning_rate for record in deep][1] == pytest.approx(0.01)
    shallow = train("plain8-w1", "digits", recipe, device="cpu")
    assert [record.learning_rate for record in shallow][1] == pytest.approx(0.1)
    learnt = train("plain110-w1", "digits", recipe, device="cpu")
    next(learnt)
    learnt.restore(learnt.state() | {"mean_error": 0.5})
    next(learnt)
    assert next(learnt).learning_rate == pytest.approx(0.01 if learnt.step > 2 else 0.1)


def test_a_network_for_other_images_is_refused_with_the_fix():
    with pytest.raises(
        BadSettings,
        match=r"takes images of 3 channels; Handwritten digits has 1\. Choose .* a new one is built with `channels=1`",
    ):
        train(build(SMALL), "digits", RECIPE)
    with pytest.raises(BadSettings, match="has 7 classes; Handwritten digits has 10"):
        evaluate(build(SMALL, channels=1, classes=7), "digits")


def test_an_evaluation_that_raises_leaves_the_mode_as_it_was():
    network = build(SMALL, channels=1)
    network.stages.eval()
    before = {name: module.training for name, module in network.named_modules()}
    network.classifier.forward = lambda features: features / [None]
    with pytest.raises(TypeError):
        evaluate(network, "digits")
    assert {name: module.training for name, module in network.named_modules()} == before
