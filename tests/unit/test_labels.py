"""Pages write settings as people do; a shell and Python call them by their names."""

import time

import pytest

from explorer import labels
from explorer.errors import BadSettings
from explorer.escaping import message_in_markdown
from explorer.models.config import NetworkConfig
from explorer.runs.facts import Where
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.schedules import SCHEDULES


def test_all_settings_have_a_label():
    named = {*Recipe.model_fields, *Plan.model_fields, *NetworkConfig.model_fields} - {"recipe", "channels"}
    assert named <= set(labels.LABELS)
    assert not [each for each in labels.LABELS.values() if "_" in each]


@pytest.mark.parametrize(
    ("given", "text"),
    [("one_cycle", "one-cycle"), ("he2015", "He et al. 2015"), ("cosine", "cosine"), (0.03, "0.03"), (1e-4, "0.0001"),
     (64_000, "64,000"), (None, "default"), (True, "yes"), (1, "1"), ((1, 2), "(1, 2)")],
    ids=str,
)  # fmt: skip
def test_values_are_written_as_people_write_them(given, text):
    assert labels.value(given) == text


def test_no_schedule_has_an_underscore_on_a_page():
    assert not [name for name in map(labels.value, SCHEDULES) if "_" in name]


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: Recipe(learning_rate=-1), "Learning rate must be greater than 0 (you gave -1)."),
        (lambda: Recipe(learning_rate=-1, steps=0.5),
         "Steps must be a whole number (you gave 0.5). Learning rate must be greater than 0 (you gave -1)."),
        (lambda: Recipe(momentum="a) b."), "Momentum must be a number (you gave 'a) b.')."),
        (lambda: Recipe(batch_size=128, train_images=100),
         "Batch size (128) is larger than training images (100), so an epoch has no full batch. "  # noqa: ISC004
         "Lower batch size or use more images."),
        (lambda: Recipe(steps=50, warmup_steps=60),
         "Warm-up (60) is more than steps (50), so the peak rate is never reached. Lower warm-up or train longer."),
        (lambda: NetworkConfig(depth=21), "Depth (21) is not 6n+2. The nearest are 20 and 26."),
        (lambda: NetworkConfig(depth=20, order="pre", shortcut="none"),
         "Norm and ReLU 'pre' needs a shortcut: choose shortcut A, B, C or D."),
        (lambda: Plan(networks=()), "Networks must have at least 1 (you gave ())."),
        (lambda: Where(gpus_per_run=-1), "GPUs for each run must be 0 or more (you gave -1)."),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)  # fmt: skip
def test_a_message_on_a_page_has_no_code_names(make, shown):
    with pytest.raises(BadSettings) as caught:
        make()
    assert "`" in str(caught.value)  # as in a shell
    assert labels.in_words(str(caught.value)) == shown
    assert message_in_markdown(str(caught.value)).replace("\\", "") == shown


@pytest.mark.parametrize(
    "text",
    ["Run `python -m explorer data download cifar10`.", "Set `EXPLORER_DATA`.", "The `--data` option.",
     "No code at all (=3).", "`sbatch` is missing.", "Unclosed `batch_size (=3"],
)  # fmt: skip
def test_other_code_stays(text):
    assert labels.in_words(text) == text


def test_a_long_message_is_converted_at_once():
    start = time.perf_counter()
    for text in ("`batch_size` (=" * 1000, "`steps` (=" + "'" * 4000, "`steps` (=3) must " + "a." * 4000):
        labels.in_words(text)
    assert time.perf_counter() - start < 1
