"""Model cards: a README.md for a checkpoint, as on Hugging Face, written from its facts."""

import math
from pathlib import Path
from typing import Any

from explorer.data.catalogue import IMAGENET, DatasetRow, known_dataset, side_in_training
from explorer.errors import ExplorerError
from explorer.escaping import fenced, in_markdown_file
from explorer.labels import label
from explorer.models.catalogue import NETWORKS
from explorer.models.code.network import standalone_code
from explorer.models.size import multiply_adds, parameter_count
from explorer.numerals import listed, percent
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.settings import field_in_words
from explorer.training.recipe import Recipe
from explorer.training.sweep import yaml_text

# Where Hugging Face has these data sets
_ON_HUGGING_FACE = {
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
    "fashionmnist": "zalando-datasets/fashion_mnist",
    "mnist": "ylecun/mnist",
    "svhn": "ufldl-stanford/svhn",
    IMAGENET: "ILSVRC/imagenet-1k",
}
MOST_CLASSES = 100  # names that are listed


def model_card(facts: CheckpointFacts, name: str) -> str:
    """The model card of a checkpoint in Markdown, with a front matter in YAML as on Hugging Face.

    It says what the facts say, and leaves out what they do not; texts of others are escaped. The code in it loads the
    weights without this program.

    Args:
        facts: of the checkpoint.
        name: of its files, without the ending.
    """
    row = known_dataset(facts.data) if facts.data else None
    parts = [
        f"---\n{yaml_text(_front_matter(facts, name, row))}---",
        f"# {in_markdown_file(name)}",
        _summary(facts, row),
        "## Network\n\n" + _table(_network(facts)),
        "## Data\n\n" + _data(facts, row),
        "## Training\n\n" + _training(facts),
        "## Error\n\n" + _errors(facts, row),
        "## Use\n\n" + _use(facts, name, row),
        "## Limits\n\n" + "\n".join(f"- {each}" for each in _limits(facts, row)),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(facts: CheckpointFacts, name: str, row: DatasetRow | None) -> dict[str, Any]:
    front: dict[str, Any] = {
        "tags": ["image-classification", "pytorch", "resnet", "safetensors"],
        "pipeline_tag": "image-classification",
        "metrics": ["accuracy"],
    }
    place = _ON_HUGGING_FACE.get(facts.data)
    if place:
        front["datasets"] = [place]
    if facts.test_error is not None and row is not None:
        result = {
            "task": {"type": "image-classification"},
            "dataset": {"name": row.title, "type": place or "image-folder", "split": "test"},
            "metrics": [{"type": "accuracy", "value": round(1 - facts.test_error, 6)}],
        }
        front["model-index"] = [{"name": name, "results": [result]}]
    return front


def _summary(facts: CheckpointFacts, row: DatasetRow | None) -> str:
    config = facts.network
    kind = {"plain": "plain", "residual": "residual", "dense": "densely connected"}[config.kind]
    trained = f", trained on {_title(facts, row)}" if facts.data else ""
    steps = f" for {facts.step:,} steps" if facts.step is not None and facts.recipe else ""
    return (
        f"{config.name}: a {kind} network of {config.depth} layers for {config.classes:,} classes{trained}{steps}. "
        "Made with ResNet Explorer."
    )


def _title(facts: CheckpointFacts, row: DatasetRow | None) -> str:
    """The data set's title; of a folder only its name, not where it is."""
    return in_markdown_file(row.title if row else Path(facts.data).name)


def _network(facts: CheckpointFacts) -> list[tuple[str, str]]:
    config = facts.network
    side = _side(facts)
    return [
        ("name", config.name),
        ("layers", f"{config.depth}"),
        ("parameters", f"{parameter_count(config):,}"),
        ("multiply-adds", f"{multiply_adds(config, side):,} for an image of {side}×{side} pixels"),
        ("input", f"images (N, {config.channels}, {side}, {side}), normalised; other sizes work too"),
        ("output", f"scores (N, {config.outputs}) before {'the sigmoid' if config.sigmoid else 'softmax'}"),
    ]


def _side(facts: CheckpointFacts) -> int:
    """Side in pixels of the images it was trained on; where that is not known, the usual one."""
    return side_in_training(facts.data, facts.recipe) or facts.network.image_size


def _data(facts: CheckpointFacts, row: DatasetRow | None) -> str:
    if not facts.data:
        lines = ["The data set is not known."]
    elif row is None:
        lines = [f"{_title(facts, row)}, which is not on the machine that wrote this card."]
    else:
        images = facts.recipe.get("train_images") or row.train_images
        lines = [f"{_title(facts, row)}: {images:,} training images, {row.test_images:,} test images."]
        lines += [f"Source: {in_markdown_file(row.source)}."] if row.source else []
        lines += [f"Licence of the images: {in_markdown_file(row.licence)}."] if row.licence else []
    return " ".join([*lines, _classes(facts, row)])


def _classes(facts: CheckpointFacts, row: DatasetRow | None) -> str:
    names = facts.classes or (row.classes if row else ())
    if not names:
        return f"The names of its {facts.network.classes:,} classes are not known."
    shown = listed([f"{number} {in_markdown_file(name)}" for number, name in enumerate(names)], MOST_CLASSES)
    return f"Classes, in the order of the scores: {shown}."


def _training(facts: CheckpointFacts) -> str:
    origin = f"Origin: {in_markdown_file(facts.source)}." if facts.source else ""
    if not facts.recipe:
        return f"How it was trained is not known. {origin}".rstrip()
    rows = [
        (label(name), in_markdown_file(field_in_words(Recipe.model_fields.get(name), given)))
        for name, given in facts.recipe.items()
    ]
    rows += [("seed", f"{facts.seed}")] if facts.seed is not None else []
    return "\n\n".join(filter(None, [_table(rows), origin]))


def _errors(facts: CheckpointFacts, row: DatasetRow | None) -> str:
    found = []
    if facts.test_error is not None:
        images = row.test_images if row else 0
        found.append((f"test{f', {images:,} images' if images else ''}", _error(facts.test_error, images)))
    elif facts.sample_error is not None:
        images = facts.sample_images
        found.append((f"sample of {images:,} test images", _error(facts.sample_error, images)))
    if facts.train_error is not None:
        found.append(("sample of the training images", percent(facts.train_error)))
    if not found:
        return "It was not measured."
    return "Share of images that are classified wrongly, one view of each image:\n\n" + _table(found)


def _error(error: float, images: int) -> str:
    """An error with its standard error over the images."""
    spread = f" ± {100 * math.sqrt(error * (1 - error) / images):.1f} points (standard error)" if images else ""
    return f"{percent(error)}{spread}"


def _use(facts: CheckpointFacts, name: str, row: DatasetRow | None) -> str:
    config, side = facts.network, _side(facts)
    mode, axes = ("L", "[None]") if config.channels == 1 else ("RGB", ".permute(2, 0, 1)")
    numbers = _normalisation(facts)
    given = numbers or (f"({', '.join(['0.5'] * config.channels)})",) * 2
    unknown = "" if numbers else "  # not known here: replace them by those of its training images"
    code = f"""import numpy as np
import torch
from network import Network
from PIL import Image
from safetensors.torch import load_file

network = Network().eval()
network.load_state_dict(load_file({f"{name}.safetensors"!r}))
mean, std = (torch.tensor(each)[:, None, None] for each in ({given[0]}, {given[1]})){unknown}
pixels = np.array(Image.open("picture.png").convert("{mode}").resize(({side}, {side})))
images = (torch.from_numpy(pixels){axes} / 255 - mean) / std
scores = network(images[None])"""
    ours = f"import explorer\n\nnetwork = explorer.load_checkpoint({f'{name}.safetensors'!r})"
    network = fenced(standalone_code(config).rstrip(), "python")
    return "\n\n".join(
        [
            "With PyTorch alone, where `network.py` is the code at the end of this section:",
            fenced(code, "python"),
            "With ResNet Explorer, where the JSON file lies beside the weights:",
            fenced(ours, "python"),
            f"<details><summary>network.py</summary>\n\n{network}\n\n</details>",
        ]
    )


def _normalisation(facts: CheckpointFacts) -> tuple[str, str] | None:
    """Mean and standard deviation of each channel as Python writes them; None if they are not known here."""
    from explorer.data.batches import Normalisation  # imports torch

    try:
        found = Normalisation.known(facts.data, facts.recipe.get("image_size"), facts.normalisation)
    except ExplorerError:
        return None
    if found.mean.shape[1:] != (1, 1):  # a mean image
        return None
    mean, std = (tuple(round(number, 6) for number in each.flatten().tolist()) for each in (found.mean, found.std))
    return f"{mean}", f"{std}"


def _limits(facts: CheckpointFacts, row: DatasetRow | None) -> list[str]:
    side = _side(facts)
    found = [f"Images other than those of its training, of {side}×{side} pixels, were not measured."]
    if facts.test_error is None:
        found.append("Its error on a whole test set was not measured.")
    known = NETWORKS.get(facts.network.name)
    if known and known.published_error is not None and known.published_data == facts.data and facts.test_error:
        found.append(
            f"The published error of {facts.network.name} is {percent(known.published_error, 2)} "
            f"({known.source}); this one has {percent(facts.test_error, 2)}."
        )
    some = facts.recipe.get("train_images")
    if row is not None and some and some < row.train_images:
        found.append(f"It was trained on {some:,} of the {row.train_images:,} training images.")
    if facts.seed is not None:
        found.append(f"It is one training with one seed ({facts.seed}); another seed gives another network.")
    found.append("No licence of these weights is stated. Add `license:` to the first lines before you publish them.")
    return found


def _table(rows: list[tuple[str, str]]) -> str:
    lines = [f"| {name} | {given} |" for name, given in rows]
    return "\n".join(["|  |  |", "| --- | --- |", *lines])
