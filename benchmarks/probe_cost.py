"""What probes of all layers and blocks add to a training at the automatic interval: `make bench-probes`.

Steps without and with a probe alternate within one training, so that other work on the machine affects both; a probe
is written to a metrics file, as the worker does. Its cost is counted in steps of the same round; times the number of
probes of the default recipe, it gives how much longer a training takes. All are medians over the rounds with
quartiles, by wall time and by processor time of this process. On a busy machine rely on the second, on an accelerator
only on the first.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.train_speed import WARM_UP_STEPS, spread, summary
from explorer.data.catalogue import DATASETS, data_status
from explorer.data.pixels import Data, load_data
from explorer.runs.metrics import MetricsWriter
from explorer.training.devices import device_facts, threads
from explorer.training.loop import Training, train
from explorer.training.recipe import Recipe

RECIPE = Recipe()  # 300 steps of 128 images


def images() -> Data:
    """CIFAR-10, or random images of its size where it is missing: they take as long."""
    if data_status("cifar10").available:
        return load_data("cifar10")
    row, generator = DATASETS["cifar10"], np.random.default_rng(0)
    pixels = generator.integers(0, 256, (2000, 32, 32, 3), np.uint8)
    labels = generator.integers(0, len(row.classes), 2000)
    return Data("cifar10", "random images", row.classes, pixels, labels, pixels[:100], labels[:100], row.augment, "")


def cost(depth: int, data: Data, rounds: int, steps: int) -> dict[str, Any]:
    """The results of one network."""
    total = WARM_UP_STEPS + 2 * rounds * steps + 1
    # a low rate, so that random labels do not drive the loss out of bounds
    recipe = RECIPE.model_copy(
        update={"steps": total, "learning_rate": 0.001, "evaluate_every": total, "evaluate_images": 10}
    )
    training = train(f"resnet{depth}", data, recipe)
    took: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, MetricsWriter(Path(folder)) as metrics:
        for _ in itertools.islice(training, WARM_UP_STEPS):
            pass
        training.probe()
        for number in range(rounds):
            for probed in (number % 2 == 0, number % 2 == 1):  # alternately first
                start, processor_start = time.perf_counter(), time.process_time()
                if probed:
                    probe(training, metrics)
                for _ in itertools.islice(training, steps):
                    pass
                took[probed].append((time.perf_counter() - start, time.process_time() - processor_start))
            print(f"ResNet-{depth}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    accelerated = training.batches.device.type != "cpu"
    count = sum(RECIPE.probes_at(step, accelerated=accelerated) for step in range(RECIPE.steps + 1))
    costs = [
        [(long[clock] / short[clock] - 1) * steps for short, long in zip(took[False], took[True], strict=True)]
        for clock in (0, 1)
    ]
    return {
        "network": f"ResNet-{depth}",
        "data": data.title,
        "step_ms": summary([seconds / steps * 1000 for seconds, _ in took[False]]),
        "look_steps": summary(costs[0]),
        "processor_look_steps": summary(costs[1]),
        "looks": count,
        "steps": RECIPE.steps,
        "slower": summary([each * count / RECIPE.steps for each in costs[0]]),
        "processor_slower": summary([each * count / RECIPE.steps for each in costs[1]]),
    }


def probe(training: Training, metrics: MetricsWriter) -> None:
    """Probe the network as the worker does."""
    found = training.probe()
    metrics.append_probe(map(astuple, found.layers), map(astuple, found.blocks))


def markdown(facts: dict[str, Any], table: list[dict[str, Any]]) -> str:
    """The table for the README."""
    where = f"{facts['name']}, one of {facts['cores']} cores, torch {facts['torch']}"
    lines = [
        f"{table[0]['data']}, batches of {RECIPE.batch_size}; {where}. Medians (quartiles).",
        "",
        "| network | step | a probe, in steps | by processor time | probes | training longer by | by processor time |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in table:
        cells = [spread(entry["step_ms"], ".0f") + " ms"]
        cells += [spread(entry[key], ".2f") for key in ("look_steps", "processor_look_steps")]
        cells += [f"{entry['looks']} in {entry['steps']} steps"]
        cells += [spread(entry[key], ".1%") for key in ("slower", "processor_slower")]
        lines.append(f"| {entry['network']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=2, help="steps per round, without and with a probe")
    parser.add_argument("--depths", type=int, nargs="+", default=[20, 56])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    facts = device_facts()
    with threads(1):
        data = images()
        table = [cost(depth, data, options.rounds, options.steps) for depth in options.depths]
    print(json.dumps({"device": facts, "looks": table}, indent=2) if options.json else markdown(facts, table))


if __name__ == "__main__":
    main()
