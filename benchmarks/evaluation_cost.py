"""Cost of an evaluation against the plain forward pass over the same images, in batches of 250.

    OMP_WAIT_POLICY=passive python -m benchmarks.evaluation_cost     (make bench-evaluation)

The PyTorch process of the app runs with that setting; without it, threads that wait take time from other processes.
A round is the plain pass and the evaluation, each first in turn; the ratios are taken per round, so that other work on
the machine affects both. The evaluation includes fusing the network. Processor time is that of all threads.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from explorer.data.batches import Normalisation, Sample
from explorer.models.network import Network, build
from explorer.training.evaluation import log_probabilities


@torch.inference_mode()
def plain(network: Network, sample: Sample) -> None:
    """The forward pass, and class probabilities."""
    for images, _ in sample:
        network(images).log_softmax(1)


def measured(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time."""
    start, busy = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - start, time.process_time() - busy


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--side", type=int, default=32, help="of the images, in pixels")
    parser.add_argument("--network", default="resnet56")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network = build(options.network).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (options.images, options.side, options.side, 3), np.uint8)
    labels = np.zeros(options.images, np.int64)
    normalisation = Normalisation(torch.full((3, 1, 1), 0.5), torch.full((3, 1, 1), 0.25))
    sample = Sample(pixels, labels, normalisation, torch.device("cpu"))
    ways = {"plain": lambda: plain(network, sample), "evaluation": lambda: log_probabilities(network, sample)}
    for way in ways.values():
        way()  # the first is slower
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(options.rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            taken[name].append(measured(ways[name]))
    print(
        f"{options.network}, {options.images:,} images of {options.side}x{options.side}, {options.threads} threads, "
        f"{options.rounds} rounds, medians:"
    )
    for place, what in enumerate(("by the clock", "processor time")):
        pairs = [(its[place], bare[place]) for its, bare in zip(taken["evaluation"], taken["plain"], strict=True)]
        low, middle, high = statistics.quantiles([its / bare for its, bare in pairs], n=4, method="inclusive")
        print(
            f"{what}: plain {statistics.median(bare for _, bare in pairs):.2f} s, "
            f"evaluation {statistics.median(its for its, _ in pairs):.2f} s, "
            f"ratio {middle:.2f} (quartiles {low:.2f} to {high:.2f})"
        )


if __name__ == "__main__":
    main()
