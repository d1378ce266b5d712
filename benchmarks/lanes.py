"""Processes that train one network each at the same moment, with the product's loop.

`python -m benchmarks.lanes '{"network": ...}'` is one of them: it prints "ready", and for each number of seconds that
it reads from standard input, trains for so long and prints one JSON document.
"""

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
MANY_STEPS = 1_000_000
WARM_UP_STEPS = 24  # on an accelerator: until the step is captured
GENERATED = 2_000  # images


@dataclass(frozen=True)
class Work:
    """What a process trains.

    Attributes:
        data: a data set, or "generated": random images of 32 pixels.
        block_steps: see `training.loop.train`.
    """

    network: str = "resnet20"
    data: str = "cifar10"
    batch_size: int = 128
    precision: str = "auto"
    device: str = "cpu"
    threads: int = 1
    block_steps: int | None = None


class Lanes:
    """Processes that do the same work side by side; to be used in a `with` statement."""

    def __init__(self, count: int, work: Work) -> None:
        command = [sys.executable, "-m", "benchmarks.lanes", json.dumps(asdict(work))]
        self._processes = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(count)
        ]

    def __enter__(self) -> Self:
        for process in self._processes:
            if process.stdout.readline().strip() != "ready":
                self.__exit__()
                raise RuntimeError("A process that trains could not start; its reason is above.")
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.stdin.close()
        for process in self._processes:
            process.wait()
            process.stdout.close()

    def run(self, seconds: float) -> tuple[float, float]:
        """Images per second of all processes together, and images per second of processor time of one."""
        for process in self._processes:
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for process in self._processes]
        together = sum(each["images"] / each["seconds"] for each in answers)
        images, processor = (sum(each[name] for each in answers) for name in ("images", "processor_seconds"))
        return together, images / processor


def training(work: Work, data: Any = None) -> Iterator[object]:
    """The product's loop, hardly interrupted by evaluations, past its first steps."""
    from explorer.training.loop import train
    from explorer.training.recipe import Recipe

    recipe = Recipe(
        steps=MANY_STEPS,
        batch_size=work.batch_size,
        precision=work.precision,
        evaluate_every=MANY_STEPS,
        evaluate_images=10,
        probe_every=0,
    )
    data = data or (generated() if work.data == "generated" else work.data)
    steps = train(work.network, data, recipe, device=work.device, block_steps=work.block_steps)
    for _ in islice(steps, 3 if work.device == "cpu" else WARM_UP_STEPS):
        pass
    return steps


def generated(batch_file: Path | None = None) -> Any:
    """A data set of 32x32 pixels: random images, or those of one of CIFAR-10's files, a tenth of them for tests."""
    from explorer.data.pixels import Data

    if batch_file:
        content = pickle.loads(batch_file.read_bytes(), encoding="bytes")
        pixels = content[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy()
        labels = np.array(content[b"labels"])
    else:
        generator = np.random.default_rng(0)
        pixels = generator.integers(0, 256, (GENERATED, 32, 32, 3), dtype=np.uint8)
        labels = generator.integers(0, 10, GENERATED)
    kept = len(pixels) // 10
    parts = pixels[kept:], labels[kept:], pixels[:kept], labels[:kept]
    return Data("cifar10", "32x32 pixels", tuple("0123456789"), *parts, augment=True, fingerprint="")


def main(work: Work) -> None:
    """Train whenever asked."""
    torch.set_num_threads(work.threads)
    steps = training(work)
    print("ready", flush=True)
    for line in sys.stdin:
        images, start, processor = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - start < float(line):
            next(steps)
            images += work.batch_size
        seconds = {"seconds": time.perf_counter() - start, "processor_seconds": time.process_time() - processor}
        print(json.dumps({"images": images, **seconds}), flush=True)


if __name__ == "__main__":
    main(Work(**json.loads(sys.argv[1])))
