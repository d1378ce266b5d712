"""How the networks in this folder were made: trained by the program's own queue, then packed as read-only runs.

    python -m checkpoints.zoo train     queue what is missing, resume what rests, and wait (make zoo)
    python -m checkpoints.zoo pack      put what has finished into this folder (make zoo-pack)

Training takes about half a day on two CPU cores. Interrupt it at any time; `train` goes on where it stopped. Use an
EXPLORER_HOME outside the checkout.
"""

import argparse
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from explorer.cli.follow import until_end
from explorer.cli.output import message
from explorer.files import write_text_atomically
from explorer.runs.checkpoint_facts import read_checkpoint, snapshot_steps
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.experiments import Experiment, list_experiments
from explorer.runs.facts import settings_digest
from explorer.runs.metrics_file import copy_metrics, metrics_sha256
from explorer.runs.snapshots import read_snapshot, write_snapshot
from explorer.runs.store import SHIPPED, Run, write_facts
from explorer.training import launch
from explorer.training.plan import Plan
from explorer.training.presets import twins
from explorer.training.recipe import Recipe

# All of CIFAR-10, one recipe for all depths; a pair an experiment, so that what has finished can be packed.
CIFAR = Recipe(
    steps=3000,
    batch_size=128,
    learning_rate=0.1,
    schedule="one_cycle",
    evaluate_every=150,
    evaluate_images=1000,
)
CIFAR_DEPTHS = (20, 32, 56)
SEEDS = (0, 1, 2)
DIGITS = Plan(
    networks=twins((8, 20, 32, 56)),
    data="digits",
    recipe=Recipe(steps=400, batch_size=64, learning_rate=0.03, schedule="one_cycle", evaluate_images=300),
    seeds=SEEDS,
    title="Digits: plain and residual networks, 400 steps",
)
PLANS = [
    DIGITS,
    *(
        Plan(
            networks=twins((depth,)),
            data="cifar10",
            recipe=CIFAR,
            seeds=SEEDS,
            title=f"CIFAR-10, 3,000 steps: {depth} layers",
        )
        for depth in CIFAR_DEPTHS
    ),
]

PROBES = 30  # steps whose layers and blocks are kept, of the first seed; more would be most of the folder

README = """# Networks that come with the program

Run folders as the program's own queue left them (`make zoo`, then `make zoo-pack`, which also wrote this file): facts
in run.json, every step of the training in metrics.db, weights in checkpoint.safetensors with their facts beside them.
The app shows them as experiments that cannot be changed; `explorer.load_checkpoint("shipped-digits-resnet20")` and
`python -m explorer runs list` find them too.

- Training error is that of the finished network on up to 2,000 training images, not augmented; test error is on the
  whole test set. Both are of the last step, never of the best.
- Each network was trained with three seeds; of further seeds only the histories are here.
- Snapshots hold weights in half precision, to keep this folder below 60 MB; step 0 is drawn anew from the seed.
- Seconds and images per second in the histories are of a machine that was doing other work at the same time.
- The sha256 (first 16 digits) is that of checkpoint.safetensors and stands in full in the facts."""

TITLES = {"digits": DIGITS.title, "cifar10": "CIFAR-10: plain and residual networks, 3,000 steps"}
# Of seed 0, as half-precision weights: of which networks, and at which steps.
SNAPSHOTS = {
    "digits": (("plain20", "resnet20", "plain56", "resnet56"), (10, 50, 200)),
    "cifar10": (("plain20", "resnet20", "plain56", "resnet56"), (10, 100, 1000)),
}


def main() -> int:
    """Train or pack; the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("command", choices=["train", "pack"])
    arguments.add_argument("--depths", type=int, nargs="*", help="only these of CIFAR-10; none for the digits alone")
    given = arguments.parse_args()
    plans = PLANS if given.depths is None else [p for p in PLANS if _depth(p) in given.depths or p is DIGITS]
    return _train(plans) if given.command == "train" else _pack(plans)


def _train(plans: list[Plan]) -> int:
    for plan in plans:
        for found in _made(plan):
            if found.resumable:
                launch.resume(found.id)
        if not _made(plan):
            launch.start(plan)
    for plan in plans:
        for found in _made(plan):
            until_end(found.id)
    unfinished = [plan.display_title() for plan in plans if not _finished(plan)]
    message(f"Not finished: {', '.join(unfinished)}" if unfinished else "All have finished.")
    return 1 if unfinished else 0


def _pack(plans: list[Plan]) -> int:
    for plan in plans:
        found = _finished(plan)
        if found is None:
            message(f"left out, not finished: {plan.display_title()}")
            continue
        for run in found.runs:
            _pack_run(run)
    write_text_atomically(SHIPPED / "README.md", _readme())
    size = sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file())
    message(f"{size / 1e6:.1f} MB in {SHIPPED.name}/")
    return 0


def _readme() -> str:
    """What lies in this folder, read from its files."""
    blocks = [README]
    for found in list_experiments():
        if found.state != "shipped" or found.runs[0].facts is None:
            continue
        recipe = found.runs[0].facts.recipe
        given = ", ".join(f"{name} {value}" for name, value in recipe.items() if value is not None)
        environment = found.runs[0].facts.environment
        blocks.append(f"## {found.title}\n\nRecipe: {given}.")
        depths = {run.facts.network.depth for run in found.runs if run.facts}
        missing = [str(depth) for depth in CIFAR_DEPTHS if depth not in depths and found.data == "cifar10"]
        if missing:
            blocks.append(f"Not trained yet: plain and residual networks of {' and '.join(missing)} layers.")
        blocks.append(
            f"Trained on {environment.get('device')} ({environment.get('name')}), {environment.get('precision')}, "
            f"{environment.get('threads')} thread, torch {environment.get('torch')}."
        )
        blocks.append("\n".join(["| network | seed | training error % | test error % | steps kept | sha256 |",
                                 "|---|---|---|---|---|---|", *map(_readme_row, found.runs)]))  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def _readme_row(run: Run) -> str:
    assert run.facts is not None
    errors = " | ".join(f"{100 * (error or 0):.2f}" for error in (run.progress.train_error, run.progress.test_error))
    kept = ", ".join(map(str, snapshot_steps(run.path))) or "-"
    weights = f"`{run.facts.checkpoint_sha256[:16]}`" if run.facts.checkpoint_sha256 else "history only"
    return f"| {run.facts.network.name} | {run.facts.seed} | {errors} | {kept} | {weights} |"


def _pack_run(run: Run) -> None:
    """A run folder as it ships: facts, metrics and, of the first seed, weights."""
    facts = run.facts
    assert facts is not None
    name = facts.network.name
    run_id = f"shipped-{facts.data}-{name}" + (f"-s{facts.seed}" if facts.seed else "")
    folder = SHIPPED / run_id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    first_seed = facts.seed == 0
    order = 100 * facts.network.depth + 10 * (facts.network.kind == "residual") + facts.seed
    shipped = facts.model_copy(
        update={
            "id": run_id, "experiment": f"shipped-{facts.data}", "title": TITLES[facts.data], "order": order,
            "worker": None, "queued": 0.0, "checkpoint_sha256": facts.checkpoint_sha256 if first_seed else "",
        }
    )  # fmt: skip
    copy_metrics(run.path, folder / "metrics.db")
    _keep_probes(folder / "metrics.db", PROBES if first_seed else 0)
    checksums = {"settings_sha256": settings_digest(shipped), "metrics_sha256": metrics_sha256(folder)}
    write_facts(folder, shipped.model_copy(update=checksums))
    if first_seed:
        _pack_weights(run, folder, run_id)


def _keep_probes(path: Path, most: int) -> None:
    """Keep the layers and blocks of so many steps, spread evenly over the probes."""
    with closing(sqlite3.connect(path)) as database:
        steps = [step for (step,) in database.execute("SELECT DISTINCT step FROM layers ORDER BY step")]
        kept = {steps[round(place * (len(steps) - 1) / (most - 1))] for place in range(most)} if steps and most else {}
        left_out = [(step,) for step in sorted({*steps} - {*kept})]
        database.executemany("DELETE FROM layers WHERE step = ?", left_out)
        database.executemany("DELETE FROM blocks WHERE step = ?", left_out)
        database.commit()
        database.execute("VACUUM")


def _pack_weights(run: Run, folder: Path, run_id: str) -> None:
    assert run.facts is not None
    source = run.path / "checkpoint.safetensors"
    text = f"trained by ResNet Explorer (make zoo), shipped as {run_id}"
    facts, _ = read_checkpoint(source)
    save_checkpoint(load_checkpoint(run.id), folder / source.name, facts.model_copy(update={"source": text}))
    networks, steps = SNAPSHOTS[run.facts.data]
    if run.facts.network.name in networks:
        for step in steps:
            weights = read_snapshot(run.path, step)["network"]
            write_snapshot(folder, {"step": step, "network": weights})


def _made(plan: Plan) -> list[Experiment]:
    """Experiments of this plan, by what they train, not by their title."""
    return [
        found
        for found in list_experiments()
        if found.state != "shipped"
        and (found.networks, found.seeds, found.data) == (plan.networks, plan.seeds, plan.data)
        and all(run.facts is not None and Recipe(**run.facts.recipe) == plan.recipe for run in found.runs)
    ]


def _finished(plan: Plan) -> Experiment | None:
    return next((found for found in _made(plan) if found.state == "finished"), None)


def _depth(plan: Plan) -> int | None:
    return plan.network_configs()[0].depth if plan.data == "cifar10" else None


if __name__ == "__main__":
    sys.exit(main())
