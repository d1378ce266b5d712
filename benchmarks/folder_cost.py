"""Time and memory of adding a folder of photographs and evaluating a network on it.

    python -m benchmarks.folder_cost     (make bench-folder)

Writes 10,000 JPEG files of 640×480 pixels, 300 of 4000×3000 and a few of 8000×6000 into a temporary folder (2.2 GB,
deleted afterwards), then runs the commands of the shell as processes of their own: `data add`, which looks at all
headers, `data check`, which reads every picture, and `evaluate` on all of them. Memory is the peak of the process, with
PyTorch in it.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

VARIANTS = 16  # different pictures of each size; every file is a copy of one


def contents(width: int, height: int, count: int = VARIANTS) -> list[bytes]:
    """JPEG files of parts of scikit-learn's photographs, with the noise of a camera."""
    generator = np.random.default_rng(0)
    found = []
    for number in range(count):
        whole = Image.fromarray(load_sample_images().images[number % 2])
        left, top = (int(generator.integers(0, size // 3)) for size in whole.size)
        part = whole.crop((left, top, left + whole.width // 2, top + whole.height // 2)).resize((width, height))
        noise = generator.normal(0, 6, (height, width, 1)).astype(np.float32)
        noisy = np.clip(np.asarray(part) + noise, 0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(noisy).save(file, "JPEG", quality=85)
        found.append(file.getvalue())
    return found


def write(top: Path, counts: dict[tuple[int, int], int], classes: int) -> int:
    """A folder of pictures; gives its bytes."""
    total = 0
    for (width, height), count in counts.items():
        made = contents(width, height, min(VARIANTS, max(2, count)))
        for number in range(count):
            file = top / f"class {number % classes}" / f"{width}-{number:05}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            total += file.write_bytes(made[number % len(made)])
    return total


def command(*arguments: str, home: Path) -> tuple[float, float, float]:
    """Seconds by the clock and of the processor, and peak memory in GB, of a command of the shell."""
    environment = os.environ | {"EXPLORER_HOME": str(home)}
    start = time.perf_counter()
    done = subprocess.Popen(
        [sys.executable, "-m", "explorer", *arguments], env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(done.pid, 0)
    if status:
        raise SystemExit(f"explorer {' '.join(arguments)} failed.")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000, help="of 640×480 pixels")
    parser.add_argument("--photographs", type=int, default=300, help="of 12 megapixels")
    parser.add_argument("--large", type=int, default=10, help="of 48 megapixels")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--networks", nargs="*", default=["resnet20"])
    options = parser.parse_args()
    counts = {(640, 480): options.pictures, (4000, 3000): options.photographs, (8000, 6000): options.large}
    with tempfile.TemporaryDirectory() as temporary:
        top, home = Path(temporary) / "pictures", Path(temporary) / "home"
        with get_context("spawn").Pool(1) as other:  # a process inherits the peak of the one that starts it
            size = other.apply(write, (top, counts, options.classes))
        print(f"{sum(counts.values()):,} pictures, {size / 1e9:.1f} GB")
        runs = [("data", "add", str(top)), ("data", "check", str(top))]
        runs += [("evaluate", network, "--data", f"folder:{top}") for network in options.networks]
        for run in runs:
            seconds, busy, memory = command(*run, home=home)
            print(f"{' '.join(run[:2])}: {seconds:.1f} s ({busy:.1f} s of the processor), {memory:.2f} GB", flush=True)


if __name__ == "__main__":
    main()
