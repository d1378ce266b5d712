"""Cost of attributions: batches against one call per image, `attribute` against Captum alone, a grid of maps.

    python -m benchmarks.attribution_cost     (make bench-attributions)

A round is every variant once, each first in turn; ratios are taken per round, so that other work on the machine affects
all variants, by wall time and by processor time of this process. On a busy machine rely on the second, on an
accelerator only on the first. Images are random and networks untrained, which take as long as others. The grid is
computed by reference, as on the page: its first time is that of a process without cached maps, PyTorch's import not
included.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable

import torch
from captum.attr import IntegratedGradients, LayerGradCam, Saliency
from torch import Tensor

from explorer.attribution.attribute import attribute
from explorer.attribution.question import Question
from explorer.figures import attribution_grid
from explorer.map_results import AttributionMap
from explorer.models.network import Network, build
from explorer.studies.attributions import attribution_map
from explorer.studies.map_files import map_cells

STEPS = 32
PARAMETERS: dict[str, dict[str, int]] = {"saliency": {}, "integrated_gradients": {"steps": STEPS}, "grad_cam": {}}
GRID = ("plain20", "plain56", "resnet20", "resnet56")

Way = Callable[[], object]
Seconds = tuple[float, float]  # by the clock, by the processor


def captum(network: Network, images: Tensor, target: Tensor, method: str) -> Tensor:
    """The method without this program."""
    images, options = images.clone().requires_grad_(), {}
    if method == "saliency":
        alone = Saliency(network)
    elif method == "grad_cam":
        alone = LayerGradCam(network, network.stages[-1][-1])
    else:
        alone, options = IntegratedGradients(network), {"n_steps": STEPS, "internal_batch_size": len(images)}
    return alone.attribute(images, target=target, **options)


def ways(network: Network, images: Tensor, method: str) -> dict[str, Way]:
    """Ways to the same maps."""
    with torch.inference_mode():
        target = network(images).argmax(1)
    target = target.clone()
    options = PARAMETERS[method]
    return {
        "batched": lambda: attribute(network, images, target, method, **options),
        "one an image": lambda: [
            attribute(network, image[None], each[None], method, **options)
            for image, each in zip(images, target, strict=True)
        ],
        "captum": lambda: captum(network, images, target, method),
    }


def seconds(action: Way) -> Seconds:
    """How long it takes."""
    start, processor_start = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - start, time.process_time() - processor_start


def interleaved(choices: dict[str, Way], rounds: int) -> dict[str, list[Seconds]]:
    """Each way once a round, after one round that does not count."""
    taken: dict[str, list[Seconds]] = {name: [] for name in choices}
    for number in range(rounds + 1):
        for name in sorted(choices, reverse=bool(number % 2)):
            found = seconds(choices[name])
            if number:
                taken[name].append(found)
    return taken


def ratio(taken: Iterable[Seconds], bare: Iterable[Seconds]) -> str:
    """Median and quartiles, by the clock and by the processor."""
    pairs = list(zip(taken, bare, strict=True))
    texts = []
    for clock, name in enumerate(("clock", "processor")):
        low, middle, high = statistics.quantiles([a[clock] / b[clock] for a, b in pairs], n=4, method="inclusive")
        texts.append(f"{name} {middle:.2f} ({low:.2f} to {high:.2f})")
    return ", ".join(texts)


def compare(names: list[str], methods: list[str], count: int, rounds: int) -> None:
    """Print a line for each network and method."""
    images = torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for name in names:
        network = build(name).eval()
        for method in methods:
            taken = interleaved(ways(network, images, method), rounds)
            middle = statistics.median(clock for clock, _ in taken["batched"])
            print(f"{name}, {method}: batched {middle:.2f} s")
            print(f"    one call an image, times batched: {ratio(taken['one an image'], taken['batched'])}")
            print(f"    batched, times captum alone: {ratio(taken['batched'], taken['captum'])}", flush=True)


def grid(rounds: int) -> None:
    """Print what the grid takes the first time, again, and to be drawn."""

    def computed() -> list[AttributionMap]:
        return [
            attribution_map(name, "china.jpg", Question(method, data="cifar10", parameters=options))
            for method, options in PARAMETERS.items()
            for name in GRID
        ]

    first = seconds(computed)
    again = [seconds(computed) for _ in range(rounds)]
    maps = computed()
    drawn = [seconds(lambda: attribution_grid(map_cells(maps, "method", "network")).to_json()) for _ in range(rounds)]
    print(
        f"grid of {', '.join(PARAMETERS)} over {', '.join(GRID)}, clock (processor): "
        f"first {first[0]:.2f} s ({first[1]:.2f}), "
        f"again {statistics.median(clock for clock, _ in again):.2f} s "
        f"({statistics.median(processor for _, processor in again):.2f}), "
        f"drawn {statistics.median(clock for clock, _ in drawn):.2f} s "
        f"({statistics.median(processor for _, processor in drawn):.2f})"
    )


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--networks", nargs="*", default=["resnet20", "resnet56"])
    parser.add_argument("--methods", nargs="*", default=list(PARAMETERS), choices=list(PARAMETERS))
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, {options.images} images of 32x32, {options.rounds} rounds")
    grid(options.rounds)
    compare(options.networks, options.methods, options.images, options.rounds)


if __name__ == "__main__":
    main()
