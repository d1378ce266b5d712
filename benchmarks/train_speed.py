"""Training speed of one process and of several side by side, against a reference; and the cost of recording.

`make bench-train`. The reference is the usual loop on all cores; "lanes" are processes of the product that train at the
same moment, as an experiment does. All alternate within one run, so that other work on the machine affects them alike.
Speeds are medians over the rounds with quartiles; ratios are medians of the ratios within a round. By processor time,
an image costs what its process takes; on a busy machine rely on that, on an accelerator only on wall time.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks import reference
from benchmarks.lanes import Lanes, Work, training
from explorer import tables
from explorer.data.catalogue import data_folder, data_status
from explorer.machine import core_count
from explorer.results import DeviceFacts
from explorer.runs.metrics import MetricsWriter
from explorer.runs.snapshots import is_snapshot_step, write_latest, write_snapshot
from explorer.training.devices import device_facts, threads

BATCH_SIZES = {"cifar10": 128, "digits": 32}
RECORDED_STEPS = 300  # the default recipe's length, over which snapshots are spread


@dataclass
class Contestant:
    """One way of training, and its images per second of wall time and of processor time, one entry a round.

    Attributes:
        run: trains for so many seconds and gives both.
    """

    name: str
    run: Callable[[float], tuple[float, float]]
    speeds: list[float] = field(default_factory=list)
    processor_speeds: list[float] = field(default_factory=list)


def usual(depth: int, workers: int, device: torch.device) -> Callable[[float], tuple[float, float]]:
    """The reference, in this process."""
    batch_size = BATCH_SIZES["cifar10"]
    steps = reference.training(depth, str(data_folder()), batch_size, workers, device)
    next(steps)

    def run(seconds: float) -> tuple[float, float]:
        count, start, processor = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - start < seconds:
            next(steps)
            count += batch_size
        return count / (time.perf_counter() - start), count / (time.process_time() - processor)

    return run


def speeds(network: str, data: str, options: argparse.Namespace, device: torch.device) -> list[dict[str, Any]]:
    """Images per second of every way, with its ratios to the reference and to one lane."""
    work = Work(network, data, BATCH_SIZES[data], options.precision, device.type)
    counts = dict.fromkeys([1, options.lanes])
    with ExitStack() as running:
        contestants = [
            Contestant(f"{count} lane{'s' * (count > 1)}", running.enter_context(Lanes(count, work)).run)
            for count in counts
        ]
        if data == "cifar10":
            depth = int(network.removeprefix("resnet"))
            contestants.append(Contestant("reference", usual(depth, options.workers, device)))
        for number in range(options.rounds):
            for place in range(len(contestants)):  # another one begins each round
                each = contestants[(number + place) % len(contestants)]
                for values, found in zip((each.speeds, each.processor_speeds), each.run(options.seconds), strict=True):
                    values.append(found)
            print(f"{network}, {data}: round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    base = next((each for each in contestants if each.name == "reference"), None)
    return [row(f"{network}, {data}", each, base, contestants[0]) for each in contestants]


def row(network: str, contestant: Contestant, base: Contestant | None, one_lane: Contestant) -> dict[str, Any]:
    """One line of the answer."""
    found = {"network": network, "way": contestant.name, "images_per_second": summary(contestant.speeds)}
    if base:
        found["of_reference"] = ratio(contestant.speeds, base.speeds)
        found["of_reference_by_processor"] = ratio(contestant.processor_speeds, base.processor_speeds)
    return found | {"of_one_lane": ratio(contestant.speeds, one_lane.speeds)}


def ratio(mine: list[float], others: list[float]) -> dict[str, float]:
    """Median and quartiles of the ratios within a round."""
    return summary([a / b for a, b in zip(mine, others, strict=True)])


def summary(values: list[float]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": middle, "low": low, "high": high}


def recording_cost(depth: int, steps: int) -> dict[str, Any]:
    """What the worker's writing adds to a step: a row of metrics each, snapshots as over the default recipe."""
    trained_here = training(Work(f"resnet{depth}"))
    rows, snapshots, bare = [], [], []
    with tempfile.TemporaryDirectory() as folder, MetricsWriter(Path(folder)) as metrics:
        for _ in range(steps):
            start = time.perf_counter()
            record = next(trained_here)
            trained = time.perf_counter()
            metrics.append([getattr(record, column) for column in tables.METRICS])
            appended = time.perf_counter()
            write_snapshot(Path(folder), trained_here.state())
            write_latest(Path(folder), trained_here.state())
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


def markdown(facts: DeviceFacts, table: list[dict[str, Any]], costs: list[dict[str, Any]]) -> str:
    """The tables for the README."""
    where = f"{facts.name}, {facts.cores} cores, torch {facts.torch}"
    lines = [
        f"CIFAR-10 in batches of 128, digits of 32; {where}. Medians (quartiles).",
        "",
        "| network | training | images/s | times the reference | by processor time | times one lane |",
        "|---|---|---|---|---|---|",
    ]
    for entry in table:
        columns = ("of_reference", "of_reference_by_processor", "of_one_lane")
        ratios = [spread(entry[name], ".2f") if name in entry else "-" for name in columns]
        speed = spread(entry["images_per_second"], ",.0f")
        lines.append(f"| {entry['network']} | {entry['way']} | {' | '.join([speed, *ratios])} |")
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
    parser.add_argument("--seconds", type=float, default=3, help="of each way per round")
    parser.add_argument("--depths", type=int, nargs="*", default=[20, 56], help="of the networks on CIFAR-10")
    parser.add_argument("--lanes", type=int, default=core_count(), help="processes side by side, a thread each")
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"], help="of the product")
    parser.add_argument("--workers", type=int, default=0, help="DataLoader processes of the reference, a core each")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    status = data_status("cifar10")
    if options.depths and not status.available:
        sys.exit(f"{status.detail} EXPLORER_DATA names a folder that has it already.")
    facts = device_facts()
    device = torch.device(facts.device)
    with threads(core_count()):
        table = [line for depth in options.depths for line in speeds(f"resnet{depth}", "cifar10", options, device)]
        table += speeds("resnet20", "digits", options, device)
    with threads(1):
        costs = [recording_cost(depth, 4) for depth in options.depths]
    if options.json:
        print(json.dumps({"device": asdict(facts), "speeds": table, "recording": costs}, indent=2))
    else:
        print(markdown(facts, table, costs))


if __name__ == "__main__":
    main()
