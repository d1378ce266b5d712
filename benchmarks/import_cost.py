"""What measuring the network costs an import of weights: `make bench-import` (needs CIFAR-10).

Imports a file alternately with its network named, so that only the normalisation is measured, and without. A process of
each kind imports once before, so that PyTorch and images are loaded. Processor time, since other programs change the
clock's.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from explorer.runs.checkpoints import load_checkpoint
from explorer.weights.importing import import_checkpoint

SHIPPED = "shipped-cifar10-resnet20"


def seconds(path: Path, network: str) -> float:
    """Processor time of an import, with that of the process that reads the file."""
    start = sum(os.times()[:4])
    import_checkpoint(path, name="measured", network=network, overwrite=True)
    return sum(os.times()[:4]) - start


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="a weights file of CIFAR-10; default: the shipped ResNet-20's")
    parser.add_argument("--network", default="resnet20")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EXPLORER_HOME"] = folder
        path = options.file
        if path is None:
            import torch

            path = Path(folder, "resnet20.pth")
            torch.save(load_checkpoint(SHIPPED).state_dict(), path)
        for network in ("", options.network):
            seconds(path, network)
        pairs = [(seconds(path, ""), seconds(path, options.network)) for _ in range(options.repeats)]
    ratios = sorted(measured / named for measured, named in pairs)
    measured, named = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"{path.name}: network measured {measured:.2f} s, named {named:.2f} s of processor time")
    print(f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
