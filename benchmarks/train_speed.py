"""Training speed against a reference, and the cost of recording: `make bench-train`.

The variants alternate within one run, so that other work on the machine affects all of them. Speeds are medians over
the rounds with quartiles; ratios are medians of the ratios within a round, by wall time and by processor time of this
process. On a busy machine rely on the second, on an accelerator only on the first.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks import reference
from explorer import tables
from explorer.data.catalogue import data_folder, data_status
from explorer.runs.metrics import MetricsWriter
from explorer.runs.snapshots import is_snapshot_step, write_latest, write_snapshot
from explorer.training.devices import best_precision, device_facts, threads, training_threads
from explorer.training.loop import Training, train
from explorer.training.recipe import Recipe

BATCH_SIZE = 128
WARM_UP_STEPS = 2
RECORDED_STEPS = 300  # the default recipe's length, over which snapshots are spread


@dataclass
class Contestant:
    """One way of training one network, and what it took so far: per image, one entry a round."""

    network: str
    way: str
    steps: Iterator[object]
    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Time `count` steps."""
        start, processor_start = time.perf_counter(), time.process_time()
        for _ in itertools.islice(self.steps, count):
            pass
        self.seconds.append((time.perf_counter() - start) / (count * BATCH_SIZE))
        self.processor_seconds.append((time.process_time() - processor_start) / (count * BATCH_SIZE))


def product(network: str, precision: str, steps: int) -> Training:
    """The product's loop on full CIFAR-10 with augmentation, hardly interrupted by evaluations."""
    recipe = Recipe(steps=steps, batch_size=BATCH_SIZE, precision=precision, evaluate_every=steps, evaluate_images=10)
    return train(network, "cifar10", recipe)


def speeds(depths: list[int], rounds: int, steps: int, workers: int, device: torch.device) -> list[dict[str, Any]]:
    """Images per second of every network and way, with its ratio to the reference."""
    precisions = dict.fromkeys(["fp32", best_precision(device, 32)])
    table = []
    for depth in depths:
        name, total = f"ResNet-{depth}", WARM_UP_STEPS + rounds * steps + 1
        usual = reference.training(depth, str(data_folder()), BATCH_SIZE, workers, device)
        contestants = [Contestant(name, "reference", usual)]
        contestants += [Contestant(name, f"product, {p}", product(f"resnet{depth}", p, total)) for p in precisions]
        for contestant in contestants:
            for _ in itertools.islice(contestant.steps, WARM_UP_STEPS):
                pass
        for number in range(rounds):
            for place in range(len(contestants)):  # another one begins each round
                contestants[(number + place) % len(contestants)].run(steps)
            print(f"{name}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        table += [row(contestant, contestants[0]) for contestant in contestants]
    return table


def row(contestant: Contestant, base: Contestant) -> dict[str, Any]:
    """One line of the answer."""
    speeds = [1 / seconds for seconds in contestant.seconds]
    pairs = {
        "ratio": zip(base.seconds, contestant.seconds, strict=True),
        "processor_ratio": zip(base.processor_seconds, contestant.processor_seconds, strict=True),
    }
    ratios = {name: [its / mine for its, mine in each] for name, each in pairs.items()}
    return {
        "network": contestant.network,
        "way": contestant.way,
        "images_per_second": summary(speeds),
        **{name: summary(values) for name, values in ratios.items()},
    }


def summary(values: list[float]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": middle, "low": low, "high": high}


def recording_cost(depth: int, steps: int) -> dict[str, Any]:
    """What the worker's writing adds to a step: a row of metrics each, snapshots as over the default recipe."""
    training = product(f"resnet{depth}", "auto", steps + 1)
    next(training)
    rows, snapshots, bare = [], [], []
    with tempfile.TemporaryDirectory() as folder, MetricsWriter(Path(folder)) as metrics:
        for _ in range(steps):
            start = time.perf_counter()
            record = next(training)
            trained = time.perf_counter()
            metrics.append([getattr(record, column) for column in tables.METRICS])
            appended = time.perf_counter()
            write_snapshot(Path(folder), training.state())
            write_latest(Path(folder), training.state())
            written = time.perf_counter()
            bare.append(trained - start)
            rows.append(appended - trained)
            snapshots.append(written - appended)
    kept = sum(is_snapshot_step(step, RECORDED_STEPS) for step in range(RECORDED_STEPS + 1))
    step_seconds = statistics.median(bare)
    added = statistics.median(rows) + statistics.median(snapshots) * kept / RECORDED_STEPS
    return {
        "network": f"ResNet-{depth}",
        "step_ms": step_seconds * 1000,
        "metrics_row_ms": statistics.median(rows) * 1000,
        "snapshot_ms": statistics.median(snapshots) * 1000,
        "snapshots": kept,
        "steps": RECORDED_STEPS,
        "cost": added / step_seconds,
    }


def markdown(facts: dict[str, Any], table: list[dict[str, Any]], costs: list[dict[str, Any]]) -> str:
    """The tables for the README."""
    where = f"{facts['name']}, {facts['threads']} of {facts['cores']} cores, torch {facts['torch']}"
    lines = [
        f"CIFAR-10, batches of {BATCH_SIZE}, augmented; {where}. Medians (quartiles).",
        "",
        "| network | training | images/s | times the reference | by processor time |",
        "|---|---|---|---|---|",
    ]
    for entry in table:
        cells = [spread(entry["images_per_second"], ".0f")]
        if entry["way"] == "reference":
            cells += ["1", "1"]
        else:
            cells += [spread(entry["ratio"], ".2f"), spread(entry["processor_ratio"], ".2f")]
        lines.append(f"| {entry['network']} | {entry['way']} | {' | '.join(cells)} |")
    lines += ["", "| network | step | metrics row | snapshot | both, of the training time |", "|---|---|---|---|---|"]
    lines += [
        f"| {c['network']} | {c['step_ms']:.0f} ms | {c['metrics_row_ms']:.2f} ms | {c['snapshot_ms']:.0f} ms, "
        f"{c['snapshots']} in {c['steps']} steps | {c['cost']:.1%} |"
        for c in costs
    ]
    return "\n".join(lines)


def spread(values: dict[str, float], style: str) -> str:
    """A median with its quartiles."""
    return f"{values['median']:{style}} ({values['low']:{style}} to {values['high']:{style}})"


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=2, help="steps of each variant per round")
    parser.add_argument("--depths", type=int, nargs="+", default=[20, 56])
    parser.add_argument("--workers", type=int, default=0, help="DataLoader processes of the reference, a core each")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    status = data_status("cifar10")
    if not status.available:
        sys.exit(f"{status.detail} EXPLORER_DATA names a folder that has it already.")
    facts = device_facts()
    device = torch.device(facts["device"])
    with threads(training_threads(device)):
        table = speeds(options.depths, options.rounds, options.steps, options.workers, device)
        costs = [recording_cost(depth, options.steps * 2) for depth in options.depths]
    if options.json:
        print(json.dumps({"device": facts, "speeds": table, "recording": costs}, indent=2))
    else:
        print(markdown(facts, table, costs))


if __name__ == "__main__":
    main()
