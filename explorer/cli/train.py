"""The command train, and the output of commands on experiments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model
from tyro.conf import OmitArgPrefixes, Positional, arg

from explorer import tables
from explorer.cli.follow import until_end
from explorer.cli.numbers import WRONG_USAGE
from explorer.cli.output import AsJson, message, show, text_table
from explorer.export.tensorboard import EventFiles
from explorer.runs.experiments import Experiment, experiment
from explorer.runs.facts import Where
from explorer.runs.states import state_of_experiment, state_of_run
from explorer.runs.store import Run
from explorer.studies.listing import Errors, experiment_row, run_errors, run_row
from explorer.training.engines.catalogue import ENGINES
from explorer.training.launch import start, start_all
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.sweep import read_sweep

if TYPE_CHECKING:
    RecipeOptions = Recipe
else:  # the same fields without the checks, which the command makes to print their errors in one line
    RecipeOptions = create_model(
        "RecipeOptions",
        __doc__=Recipe.__doc__,
        **{
            name: (field.annotation, Field(field.default, description=field.description))
            for name, field in Recipe.model_fields.items()
        },
    )

ENGINE_HELP = f"Where to train: {', '.join(ENGINES)}."
TENSORBOARD_HELP = (
    "Write TensorBoard files into this folder while it trains, one folder for each run; needs requirements-export.txt."
)
Tensorboard = Annotated[Path | None, arg(metavar="DIR", help=TENSORBOARD_HELP)]
GPUS_HELP = "GPUs that each run asks a cluster for; 0.25 lets four runs share one on a Ray cluster."

HIDDEN = ("experiment", "kind", "depth", "title", "data", "silent_seconds")
TABLE = [column for column in tables.RUNS if column not in HIDDEN]


def train(
    networks: Annotated[Positional[tuple[str, ...]], arg(metavar="NETWORK...")],
    recipe: OmitArgPrefixes[RecipeOptions],
    *,
    data: str = Plan.model_fields["data"].default,
    seeds: tuple[int, ...] = (0,),
    title: str = "",
    initial: str = "",
    engine: Annotated[str, arg(help=ENGINE_HELP)] = "local",
    gpus_per_run: Annotated[float, arg(help=GPUS_HELP)] = 0.0,
    lanes: int = 0,
    from_: Annotated[Path | None, arg(name="from")] = None,
    dry_run: bool = False,
    detach: bool = False,
    tensorboard: Tensorboard = None,
    json: AsJson = False,
) -> int:
    """Train networks together under one recipe and follow their progress.

    Ctrl-C pauses the experiment. Example: train plain20 resnet20 --data cifar10 --train-images 10000 --steps 300
    Or start all experiments that a file describes, and return at once: train --from plan.yaml

    Args:
        networks: names such as plain20 resnet20 resnet56-b; see the command `networks`.
        recipe: settings of the training, the same for all.
        data: name of the data set; see the command `data status`.
        seeds: one run of each network per seed.
        title: display text of the experiment.
        initial: id or path of a checkpoint of the same network with the initial weights.
        lanes: worker processes that train at the same time; 0 chooses by cores, memory and runs.
        from_: a YAML or JSON file with these settings, in which lists of values in `recipe` make several experiments.
        dry_run: with --from, only show what would be started.
        detach: start and return at once; `runs show ID` shows the progress.
    """
    if tensorboard is not None and (detach or from_ is not None):
        message(
            f"error: with {'--detach' if detach else '--from'} the command ends at once, before there is anything to "
            "write. Leave out --tensorboard, and write the files later with `python -m explorer runs export ID "
            "--tensorboard DIR`."
        )
        return WRONG_USAGE
    if from_ is not None:
        given = networks or seeds != (0,) or title or initial or engine != "local" or lanes or gpus_per_run
        if given or data != Plan.model_fields["data"].default or recipe.model_dump() != Recipe().model_dump():
            message(f"error: with --from, all settings are in the file. Move the others into {from_}.")
            return WRONG_USAGE
        return _sweep(from_, dry_run=dry_run, json=json)
    if not networks:
        message("error: name at least one network, such as resnet20. `python -m explorer networks` lists them.")
        return WRONG_USAGE
    settings = Recipe(**recipe.model_dump())
    plan = Plan(networks=networks, data=data, recipe=settings, seeds=seeds, title=title, initial=initial)
    events = EventFiles(tensorboard) if tensorboard is not None else None  # fails before anything is started
    experiment_id = start(plan, Where(engine=engine, lanes=lanes, gpus_per_run=gpus_per_run))
    message(f"Experiment {experiment_id}")
    return show_experiment(
        experiment(experiment_id) if detach else until_end(experiment_id, events), json=json, ended=not detach
    )


def _sweep(path: Path, *, dry_run: bool, json: bool) -> int:
    """Start the experiments in a file, or show them."""
    plans, where = read_sweep(path)
    ids = [""] * len(plans) if dry_run else start_all(plans, where)
    rows = [
        {"experiment": identity, "runs": len(plan.networks) * len(plan.seeds), "title": plan.display_title()}
        for identity, plan in zip(ids, plans, strict=True)
    ]
    total = sum(len(plan.networks) * len(plan.seeds) for plan in plans)
    verb = "would start" if dry_run else "started"
    counted = f"{_count(len(plans), 'experiment')} with {_count(total, 'run')}"
    message(f"{path} {verb} {counted}. `python -m explorer runs list` shows them.")
    shown = ["runs", "title"] if dry_run else ["experiment", "runs", "title"]
    return show({"engine": where.engine, "experiments": rows}, text_table(rows, shown), as_json=json)


def show_experiment(found: Experiment, *, json: bool, ended: bool = False) -> int:
    """Print an experiment and its runs.

    Args:
        ended: whether a run that did not finish makes the exit code 1.
    """
    errors = run_errors(found)
    rows = [run_row(run, errors[run.id]) | {"state": state_of_run(run)} for run in found.runs]
    document = experiment_row(found, errors) | {"runs": [run_document(run, errors[run.id]) for run in found.runs]}
    heading = "  ".join(filter(None, [found.id, found.title, found.data, state_of_experiment(found)]))
    show(document, f"{heading}\n\n{text_table(rows, TABLE)}", as_json=json)
    unfinished = [run for run in found.runs if run.state != "finished"] if ended else []
    if unfinished:
        first = unfinished[0]
        reason = first.reason or f"go on with `python -m explorer runs resume {found.id}`"
        state = state_of_run(first)
        message(f"error: {len(unfinished)} of {len(found.runs)} runs did not finish; {first.id} is {state}: {reason}")
    return 1 if unfinished else 0


def run_document(run: Run, errors: Errors) -> dict[str, Any]:
    """All facts of a run, for --json."""
    row = run_row(run, errors)
    facts = run.facts.model_dump(mode="json") if run.facts else {}
    return {
        "id": run.id,
        "name": row["network"],
        **row,
        "notice": run.facts.notice if run.facts else "",
        "seconds": run.progress.seconds,
        "images_per_second": run.progress.images_per_second,
        "learning_rate": run.progress.learning_rate,
        "path": run.path,
        "recipe": facts.get("recipe"),
        "config": facts.get("network"),
        "initial": facts.get("initial"),
        "where": facts.get("where"),
        "lane": facts.get("lane"),
        "environment": facts.get("environment"),
        "created": facts.get("created"),
    }


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
