"""Cost of `response_std` against the bare forward pass over the same images.

    python -m benchmarks.response_cost     (make bench-responses)

A round is the pass alone and the measurement, each first in turn; the ratio is taken per round, so that other work on
the machine affects both. The growth of memory is that of the process's peak from 250 to all images.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from explorer.analysis.images import PART
from explorer.analysis.responses import response_std
from explorer.models.network import Network, build


def batches(count: int) -> Iterator[Tensor]:
    """Random images of CIFAR's size, drawn part by part."""
    generator = torch.Generator().manual_seed(0)
    for start in range(0, count, PART):
        yield torch.randn(min(PART, count - start), 3, 32, 32, generator=generator)


@torch.inference_mode()
def forward(network: Network, count: int) -> None:
    """The bare pass."""
    for images in batches(count):
        network(images)


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--network", default="resnet56")
    options = parser.parse_args()
    network = build(options.network).eval()
    ways = {
        "forward": lambda: forward(network, options.images),
        "response_std": lambda: response_std(network, batches(options.images)),
    }
    for way in (lambda: forward(network, PART), lambda: response_std(network, batches(PART))):
        way()  # the first is slower, and takes the memory that a part needs
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(options.rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            taken[name].append(seconds(ways[name]))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    ratios = [its / bare for its, bare in zip(taken["response_std"], taken["forward"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    print(
        f"{options.network}, {options.images:,} images of 32x32, {torch.get_num_threads()} threads, "
        f"{options.rounds} rounds, medians:\n"
        f"forward {statistics.median(taken['forward']):.2f} s, "
        f"response_std {statistics.median(taken['response_std']):.2f} s, "
        f"ratio {middle:.2f} (quartiles {low:.2f} to {high:.2f}), peak memory grew by {grown:.0f} MiB"
    )


if __name__ == "__main__":
    main()
