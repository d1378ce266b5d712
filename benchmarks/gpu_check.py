"""Check and time the program on an accelerator: `make gpu-check`, or `python -m benchmarks.gpu_check`.

Prints one table, a row as soon as it is known; a check that fails or lacks a package does not end the others. The exit
code is 1 if one failed. On a machine without an accelerator it says so and exits 0. Needs no network; of data the
digits, and better one file of CIFAR-10 (`--cifar`), in whose place there are otherwise random images.

A Python without pydantic, psutil or captum: `--wheels FOLDER` with their wheels and those they need.
`--device cpu --quick` runs all of it in short on a CPU, to test this script.
"""

import argparse
import math
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

TOLERANCE = 1e-3  # relative
BF16_TOLERANCE = 5e-2  # of the first loss: a bf16 number has 8 bits of precision, and batch norm enlarges errors
CHECKPOINT = Path(__file__).resolve().parents[1] / "checkpoints/shipped-cifar10-resnet56/checkpoint.safetensors"
NETWORKS = {  # and images per step, and their side
    "resnet20": (64, 32),
    "resnet56": (64, 32),
    "resnet110": (32, 32),
    "plain56": (64, 32),
    "resnet50": (8, 64),
    "wrn-28-10": (8, 32),
}
QUICK_NETWORKS = {"resnet20-w4": (8, 8), "plain8-w4": (8, 8)}
Row = tuple[bool | None, str, str]  # passed (None: only a number, or skipped), what, result


@dataclass
class Machine:
    """What the checks run on.

    Attributes:
        until: when no other check is begun, by `time.monotonic`.
        data: 32x32 pixels, see `lanes.generated`; made when first needed.
    """

    device: torch.device
    quick: bool
    cifar: Path | None
    until: float
    loaded: list[Any] = field(default_factory=list)

    @property
    def data(self) -> Any:
        if not self.loaded:
            from benchmarks.lanes import generated

            self.loaded.append(generated(self.cifar))
        return self.loaded[0]

    def images(self, count: int, side: int = 32) -> tuple[Tensor, Tensor]:
        """Random images and labels on the CPU."""
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(count, 3, side, side, generator=generator)
        return images, torch.randint(0, 10, (count,), generator=generator)

    def wait(self) -> None:
        if self.device.type != "cpu":
            torch.accelerator.synchronize()


def one_step(machine: Machine) -> Iterator[Row]:
    """Losses of a step and of the next one, which has the updated weights, against those of the CPU."""
    from explorer.models.network import build

    def losses(name: str, device: torch.device, precision: str) -> list[float]:
        count, side = (QUICK_NETWORKS if machine.quick else NETWORKS)[name]
        images, labels = (each.to(device) for each in machine.images(count, side))
        network = build(name, classes=10).to(device=device, memory_format=torch.channels_last).train()
        optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)
        found = []
        for _ in range(2):
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                scores = network(images)
            loss = functional.cross_entropy(scores.float(), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            found.append(loss.item())
        return found

    for name in QUICK_NETWORKS if machine.quick else NETWORKS:
        expected = losses(name, torch.device("cpu"), "fp32")
        for precision, most in (("fp32", TOLERANCE), ("bf16", BF16_TOLERANCE)):
            found = losses(name, machine.device, precision)
            first, second = (abs(a - b) / b for a, b in zip(found, expected, strict=True))
            passed = first < most and (second < most or (precision == "bf16" and math.isfinite(found[1])))
            text = f"losses {found[0]:.4f}, {found[1]:.4f}; on the CPU in fp32 {expected[0]:.4f}, {expected[1]:.4f}"
            yield passed, f"one step, {name}, {precision}", f"{text}; {first:.1e}, {second:.1e} apart"


def _digits(machine: Machine, **changes: Any) -> Any:
    from explorer.training.loop import train
    from explorer.training.recipe import Recipe

    options = {key: changes.pop(key) for key in ("block_steps", "network") if key in changes}
    recipe = Recipe(**{"steps": 60 if machine.quick else 200, "batch_size": 32, "precision": "fp32"} | changes)
    return train(options.pop("network", "resnet20"), "digits", recipe, device=machine.device, **options)


def learning(machine: Machine) -> Iterator[Row]:
    """The product's loop learns the digits."""
    training = _digits(machine, precision="auto")
    *_, last = training
    most = 0.7 if machine.quick else 0.1
    speed = f"{last.images_per_second:,.0f} images/s, blocks of {training.block_steps} steps"
    yield last.test_error < most, "resnet20 learns the digits", f"test error {last.test_error:.1%}; {speed}"
    if machine.device.type == "cuda":
        yield not training.capture_failure, "the step is a CUDA graph", training.capture_failure or "captured"


def _apart(some: list[Any], others: list[Any]) -> float:
    """The largest relative difference of losses, at least of 0.1."""
    return max(abs(a.loss - b.loss) / max(b.loss, 0.1) for a, b in zip(some[1:], others[1:], strict=True))


def same_curve(machine: Machine) -> Iterator[Row]:
    """The curve after a pause inside a block, and the one of blocks of one step, which are not captured."""
    quiet = {"steps": 40, "evaluate_every": 40, "evaluate_images": 10, "last_images": 10, "learning_rate": 0.01}
    whole = list(_digits(machine, **quiet, block_steps=16))
    first = _digits(machine, **quiet, block_steps=16)
    early = list(islice(first, 28))
    second = _digits(machine, **quiet, block_steps=16)
    second.restore(first.state())
    for what, records in (
        ("paused inside a block and resumed", early + list(second)),
        ("blocks of one step", list(_digits(machine, **quiet, block_steps=1))),
        ("the same again", list(_digits(machine, **quiet, block_steps=16))),
    ):
        apart = _apart(records, whole)
        yield apart < TOLERANCE, f"same curve of 40 steps: {what}", f"losses {apart:.1e} apart"


def analyses(machine: Machine) -> Iterator[Row]:
    """Every analysis gives what it gives on the CPU."""
    from explorer.analysis.gradients import gradient_profile
    from explorer.analysis.initialisation import xray
    from explorer.analysis.ledger import residual_ledger
    from explorer.analysis.responses import response_histogram, response_std
    from explorer.analysis.shattering import gradient_autocorrelation
    from explorer.models.network import build

    images, labels = machine.images(16, 16)
    network = build("resnet20-w8", classes=10)
    for _ in range(3):
        network(images)  # running statistics
    calls: dict[str, Callable[[nn.Module, Tensor, Tensor], Any]] = {
        "response_std": lambda network, images, labels: response_std(network, images),
        "response_histogram": lambda network, images, labels: response_histogram(network, images, 5),
        "gradient_profile": gradient_profile,
        "residual_ledger": residual_ledger,
        "gradient_autocorrelation": lambda network, images, labels: gradient_autocorrelation(network, images, lines=2),
        "xray": lambda network, images, labels: xray(["plain20", "resnet20"], images, labels),
    }
    for name, call in calls.items():
        yield from _tried(name, lambda call=call: _compared_tables(call, network, images, labels, machine.device))


def _compared_tables(
    call: Callable[..., Any], network: nn.Module, images: Tensor, labels: Tensor, device: torch.device
) -> tuple[bool, str]:
    tables = [
        call(network.to(each), images.to(each), labels.to(each)).select_dtypes("number")
        for each in (torch.device("cpu"), device)
    ]
    network.cpu()
    expected, found = (torch.tensor(each.to_numpy(float)).nan_to_num(-1) for each in tables)
    apart = ((found - expected).abs().amax(0) / expected.abs().amax(0).clamp(min=1e-12)).max().item()
    return apart < TOLERANCE, f"{apart:.1e} apart"


def attributions(machine: Machine) -> Iterator[Row]:
    """Every attribution method gives the map that it gives on the CPU."""
    from explorer.attribution.attribute import attribute
    from explorer.attribution.methods import METHODS
    from explorer.models.network import build

    images, _ = machine.images(2)
    network = build("resnet8-w8", classes=10).train()
    network(images)
    network.eval()
    fewer = {"steps": 8, "samples": 10, "grid": 4, "window": 8}

    def compared(method: str) -> tuple[bool, str]:
        given = {each.name: fewer[each.name] for each in METHODS[method].parameters if each.name in fewer}
        expected = attribute(network, images, 3, method, **given)
        found = attribute(network.to(machine.device), images.to(machine.device), 3, method, **given)
        network.cpu()
        apart = ((found.cpu() - expected).abs().max() / expected.abs().max()).item()
        return apart < TOLERANCE, f"{apart:.1e} apart"

    for method in METHODS:
        yield from _tried(f"attribution: {method}", lambda method=method: compared(method))


def evaluation(machine: Machine) -> Iterator[Row]:
    """A checkpoint's predictions are those of the CPU."""
    from explorer.data.batches import Normalisation, Sample
    from explorer.runs.checkpoints import load_checkpoint
    from explorer.training.evaluation import log_probabilities

    network = load_checkpoint(CHECKPOINT)
    count = 20 if machine.quick else 1000
    data = machine.data
    normalisation = Normalisation.of(data)
    found = []
    for device in (torch.device("cpu"), machine.device):
        sample = Sample(data.test_pixels[:count], data.test_labels[:count], normalisation, device)
        start = time.perf_counter()
        found.append(log_probabilities(network.to(device), sample))
        machine.wait()
        seconds = time.perf_counter() - start
    other = int((found[0].argmax(1) != found[1].argmax(1)).sum())
    apart = (found[0] - found[1]).abs().max().item()
    text = f"{other} of {len(found[0])} predictions differ; log-probabilities {apart:.1e} apart; {seconds:.2f} s"
    yield other == 0, "predictions of the shipped resnet56", text


def out_of_memory(machine: Machine) -> Iterator[Row]:
    """A batch that does not fit is reported as such, and the process goes on."""
    from explorer.errors import is_out_of_memory

    if machine.device.type == "cpu":
        yield None, "out of memory", "not tried on a CPU"
        return
    try:
        torch.empty(1_000_000, 3, 224, 224, device=machine.device)
        yield False, "out of memory", "602 GB were there"
    except RuntimeError as error:
        yield is_out_of_memory(error), "out of memory is known as such", type(error).__name__
    images, labels = (each.to(machine.device) for each in machine.images(8))
    network = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)).to(machine.device)
    yield functional.cross_entropy(network(images), labels).isfinite().item(), "the process goes on", ""


def speed(machine: Machine) -> Iterator[Row]:
    """Images per second of the usual loop, of the product's loop, and of that with the step captured."""
    from benchmarks import reference
    from benchmarks.lanes import Work, training

    batch_size = 16 if machine.quick else 128

    def usual(depth: int, precision: str) -> Iterator[object]:
        images, labels = (each.to(machine.device) for each in machine.images(batch_size))
        network = reference.resnet(depth).to(machine.device).train()
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
        while True:
            optimiser.zero_grad()
            with torch.autocast(machine.device.type, torch.bfloat16, enabled=precision == "bf16"):
                loss = functional.cross_entropy(network(images), labels)
            loss.backward()
            optimiser.step()
            yield loss.item()

    def product(depth: int, block_steps: int | None) -> Iterator[object]:
        work = Work(f"resnet{depth}", batch_size=batch_size, precision="bf16", device=machine.device.type,
                    block_steps=block_steps)  # fmt: skip
        return training(work, machine.data)

    steps = 2 if machine.quick else 48
    for depth in (8,) if machine.quick else (20, 56, 110):
        ways = {
            "usual, fp32": usual(depth, "fp32"),
            "usual, bf16": usual(depth, "bf16"),
            "product, a step at a time": product(depth, 1),
            "product, in blocks, captured": product(depth, None),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(1 if machine.quick else 4):  # the first warms up
            for name, way in ways.items():
                machine.wait()
                start = time.perf_counter()
                for _ in islice(way, steps):
                    pass
                machine.wait()
                seconds[name].append((time.perf_counter() - start) / (steps * batch_size))
        best = {name: min(each) for name, each in seconds.items()}
        for name, each in best.items():
            ratio = best["usual, bf16"] / each
            yield None, f"resnet{depth}, {name}", f"{1 / each:,.0f} images/s, {ratio:.2f} times the usual in bf16"


def lanes(machine: Machine) -> Iterator[Row]:
    """Images per second of several processes on the device together."""
    import explorer.training.loop  # noqa: F401 so that a missing package is told here
    from benchmarks.lanes import Lanes, Work

    work = Work("resnet8" if machine.quick else "resnet20", "generated", 16 if machine.quick else 128,
                "bf16", machine.device.type)  # fmt: skip
    one = 0.0
    for count in (1, 2) if machine.quick else (1, 2, 4, 8):
        with Lanes(count, work) as running:
            together, _ = running.run(0.2 if machine.quick else 4)
        one = one or together
        yield (
            None,
            f"{work.network}, {count} processes",
            f"{together:,.0f} images/s together, {together / one:.2f} of one",
        )


CHECKS = (one_step, learning, same_curve, analyses, attributions, evaluation, out_of_memory, speed, lanes)


def _tried(what: str, check: Callable[[], tuple[bool, str]]) -> Iterator[Row]:
    """The row of one check; a failure if it raises, and skipped if it lacks a package."""
    try:
        passed, result = check()
        yield passed, what, result
    except ImportError as error:
        yield None, what, f"skipped: {error}"
    except Exception as error:  # noqa: BLE001 the others go on
        yield False, what, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _rows(check: Callable[[Machine], Iterator[Row]], machine: Machine) -> Iterator[Row]:
    """The rows of a check, the last one a failure if it raises."""
    if time.monotonic() > machine.until:
        yield None, check.__name__, "skipped: no time left"
        return
    found = check(machine)
    while True:
        try:
            yield next(found)
        except StopIteration:
            return
        except ImportError as error:
            yield None, check.__name__, f"skipped: {error}"
            return
        except Exception as error:  # noqa: BLE001 the others go on
            yield False, check.__name__, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            return


def main(arguments: list[str] | None = None) -> int:
    """Run the checks; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="such as cuda or cpu; left out, the accelerator that PyTorch finds")
    parser.add_argument("--quick", action="store_true", help="small counts, to test this script")
    parser.add_argument("--cifar", type=Path, help="one of CIFAR-10's files, such as test_batch")
    parser.add_argument("--wheels", type=Path, help="folder with wheels of packages that are missing here")
    parser.add_argument("--seconds", type=float, default=220, help="after which no further check begins")
    parser.add_argument("--only", nargs="+", choices=[check.__name__ for check in CHECKS], help="these checks")
    options = parser.parse_args(arguments)
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    device = torch.device(options.device) if options.device else accelerator
    if device is None:
        print("There is no accelerator that PyTorch can use here: nothing to check.")
        return 0
    begun, failed = time.monotonic(), 0
    machine = Machine(device, options.quick, options.cifar, begun + options.seconds)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(f"{name}, torch {torch.__version__}, CUDA {torch.version.cuda}, Python {sys.version.split()[0]}\n")
    print("| check | result | | s |\n|---|---|---|---|", flush=True)
    with ExitStack() as held:
        if options.wheels:
            folder = held.enter_context(tempfile.TemporaryDirectory())
            for wheel in options.wheels.glob("*.whl"):
                zipfile.ZipFile(wheel).extractall(folder)
            sys.path.append(folder)
            os.environ["PYTHONPATH"] = folder  # of the lanes
        for check in CHECKS:
            if options.only and check.__name__ not in options.only:
                continue
            torch.backends.cudnn.allow_tf32 = check is speed  # apart from timings, fp32 is to agree with the CPU
            for passed, what, result in _rows(check, machine):
                failed += passed is False
                mark = {True: "ok", False: "FAILED", None: ""}[passed]
                print(f"| {what} | {result} | {mark} | {time.monotonic() - begun:.0f} |", flush=True)
    print(f"\n{failed} failed." if failed else "\nAll that was checked is as on the CPU.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
