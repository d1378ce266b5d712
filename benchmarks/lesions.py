"""Cost of deleting each block in turn, against as many plain forward passes over the same images.

    OMP_WAIT_POLICY=passive python -m benchmarks.lesions     (make bench-lesions)

All in float32. A plain pass is PyTorch's own over batches of 250, with as many threads; one is measured in each round
and counted once for every block. The ratio is taken per round, with either first in turn, so that other work on the
machine affects both. The deletions include making the operated versions.
"""

import argparse
import statistics

import torch

from benchmarks.evaluation_cost import measured
from explorer.analysis.lesions import operated_scores
from explorer.models.network import Network, build
from explorer.models.operations import Arrangement, arrangement, possible


@torch.inference_mode()
def plain(network: Network, images: torch.Tensor) -> None:
    """The forward pass."""
    for each in images.split(250):
        network(each)


def deletions(network: Network) -> list[Arrangement]:
    """Every block deleted in turn, as far as possible."""
    config = network.config
    blocks = [each for each in possible(config) if "delete" not in each.refused]
    return [arrangement(config, f"delete:{each.stage}.{each.block}") for each in blocks]


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--together", type=int, default=50, help="images in a part")
    parser.add_argument("--network", default="resnet56")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network = build(options.network).eval()
    images = torch.randn(options.images, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    versions = deletions(network)

    def deleted() -> None:
        for _ in operated_scores(network, images.split(options.together), versions):
            pass

    ways = {"plain": lambda: plain(network, images), "deletions": deleted}
    plain(network, images[:250])  # the first is slower
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(options.rounds):
        for name in sorted(ways, reverse=not number % 2):
            taken[name].append(measured(ways[name]))
    print(
        f"{options.network}, {options.images:,} images, {options.threads} threads, {options.rounds} rounds, medians; "
        f"{len(versions)} deletions:"
    )
    for place, what in enumerate(("by the clock", "processor time")):
        pairs = [(its[place], bare[place]) for its, bare in zip(taken["deletions"], taken["plain"], strict=True)]
        ratios = [its / (len(versions) * bare) for its, bare in pairs]
        print(
            f"{what}: one plain pass {statistics.median(bare for _, bare in pairs):.2f} s, all deletions "
            f"{statistics.median(its for its, _ in pairs):.2f} s, {100 * statistics.median(ratios):.0f} % of as many "
            f"plain passes ({100 * min(ratios):.0f} to {100 * max(ratios):.0f} %)"
        )


if __name__ == "__main__":
    main()
