"""Commands on experiments and their runs."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from explorer.cli.follow import until_end
from explorer.cli.numbers import WRONG_USAGE
from explorer.cli.output import AsCsv, AsJson, json_text, message, show, show_table, text_facts, text_table
from explorer.cli.progress_bar import progress_bar
from explorer.cli.train import Tensorboard, run_document, show_experiment
from explorer.errors import RunError, quoted
from explorer.export.parquet import write_parquet
from explorer.export.plans import export_plan
from explorer.export.tensorboard import EventFiles, export_tensorboard
from explorer.numerals import counted
from explorer.runs import experiments, mending, transfer, trash
from explorer.runs.experiments import Experiment, list_experiments
from explorer.runs.states import state_of_experiment, state_of_run
from explorer.runs.store import Run
from explorer.studies.listing import experiment_row, run_errors
from explorer.studies.listing import experiments as experiment_table
from explorer.training import launch

app = SubcommandApp()

OUTCOMES = ["file", "network", "seed", "fate", "run", "remark"]
TABLE = ["id", "title", "state", "networks", "seeds", "data", "step", "steps", "best", "test_error", "created"]

Id = Annotated[Positional[str], arg(metavar="ID", help="Id of an experiment or of a run, or the beginning of one.")]
Ids = Annotated[Positional[tuple[str, ...]], arg(metavar="ID...", help="Ids of experiments or runs, or beginnings.")]


@app.command(name="list")
def list_all(*, csv: AsCsv = False, json: AsJson = False) -> int:
    """List all experiments, the newest first; as JSON with their settings, sizes and notes."""
    if csv:
        return show_table("experiments", experiment_table(), csv=True, json=False)
    everything = list_experiments()
    rows = [experiment_row(found, run_errors(found)) for found in everything]
    shown = [row | {"state": state_of_experiment(found)} for row, found in zip(rows, everything, strict=True)]
    nothing = "Nothing was trained yet. Start with: python -m explorer train plain20 resnet20"
    return show(rows, text_table(shown, TABLE) if rows else nothing, as_json=json)


@app.command(name="show")
def show_one(identity: Id, /, *, json: AsJson = False) -> int:
    """Show an experiment with its runs, or one run."""
    found, run = find(identity)
    if run is None:
        return show_experiment(found, json=json)
    document = run_document(run, run_errors(found)[run.id])
    return show(document, text_facts(document | {"state": state_of_run(run)}), as_json=json)


@app.command
def metrics(
    identities: Ids,
    /,
    *,
    points: int | None = None,
    parquet: Annotated[Path | None, arg(metavar="FILE")] = None,
    json: AsJson = False,
) -> int:
    """Print the metrics of experiments or runs as CSV, one line per step; errors are fractions.

    Args:
        points: approximate maximum of lines per run, by averaging steps; None prints every step.
        parquet: write the table to this Parquet file instead; needs requirements-export.txt.
    """
    chosen = [found.run_ids if run is None else (run.id,) for found, run in map(find, identities)]
    table = experiments.metrics(list(dict.fromkeys(chain.from_iterable(chosen))), points=points)
    if parquet is not None:
        path = write_parquet(table, parquet)
        document = {"path": path.resolve(), "rows": len(table), "columns": list(table.columns)}
        return show(document, f"{len(table):,} rows written to {path}", as_json=json)
    print(json_text(table.to_dict("records")) if json else table.to_csv(index=False).rstrip("\n"))
    return 0


@app.command
def pause(identity: Id, /, *, json: AsJson = False) -> int:
    """Pause an experiment; it can be resumed later with the same result."""
    return _act(launch.pause, identity, json=json)


@app.command
def resume(identity: Id, /, *, follow: bool = False, tensorboard: Tensorboard = None, json: AsJson = False) -> int:
    """Resume a paused, stopped or crashed experiment.

    Args:
        follow: show its progress until it ends.
    """
    if not follow:
        if tensorboard is not None:
            message("error: --tensorboard writes while the training is followed. Add --follow, or leave it out.")
            return WRONG_USAGE
        return _act(launch.resume, identity, json=json)
    events = EventFiles(tensorboard) if tensorboard is not None else None
    found, _ = find(identity)
    launch.resume(found.id)
    return show_experiment(until_end(found.id, events), json=json, ended=True)


@app.command
def stop(identity: Id, /, *, json: AsJson = False) -> int:
    """Stop an experiment; its metrics and weights so far are kept."""
    return _act(launch.stop, identity, json=json)


@app.command
def mend(identity: Id, /, *, json: AsJson = False) -> int:
    """Mend a damaged run, or those of an experiment: readable metrics are kept, and it can be resumed."""
    found, run = find(identity)
    damaged = [each for each in found.runs if each.state == "damaged"] if run is None else [run]
    if not damaged:
        raise RunError(f"No run of {found.id} is damaged: there is nothing to mend.")
    notices = {each.id: mending.mend(each.id) for each in damaged}
    rows = [{"id": run_id, "notice": notice} for run_id, notice in notices.items()]
    return show({"runs": rows}, "\n".join(f"{run_id}: {notice}" for run_id, notice in notices.items()), as_json=json)


@app.command
def rename(identity: Id, title: Positional[str], /, *, json: AsJson = False) -> int:
    """Change the title of an experiment.

    Args:
        title: display text.
    """
    return _act(lambda experiment_id: experiments.rename(experiment_id, title), identity, json=json)


@app.command
def note(identity: Id, text: Positional[str], /, *, json: AsJson = False) -> int:
    """Replace the note about an experiment, which is exported with it.

    Args:
        text: the note; an empty one removes it.
    """
    return _act(lambda experiment_id: experiments.annotate(experiment_id, text), identity, json=json)


@app.command
def delete(identity: Id, /, *, yes: bool = False, json: AsJson = False) -> int:
    """Delete an experiment with all its runs; asks first in a terminal.

    Args:
        yes: do not ask.
    """
    found, _ = find(identity)
    if not yes and not json and sys.stdin.isatty():
        networks = ", ".join(found.networks)
        message(f"Delete {found.id} {found.title!r} with {counted(len(found.runs), 'run')} of {networks}? [y/N]")
        if input().strip().lower() not in ("y", "yes"):
            message("Nothing was deleted.")
            return 1
    trash.discard(experiments.set_aside(found.id, found.run_ids))
    return show({"id": found.id, "deleted": True, "runs": found.run_ids}, f"Deleted {found.id}.", as_json=json)


@app.command
def export(
    identity: Id,
    target: Positional[Path | None] = None,
    /,
    *,
    all_snapshots: bool = False,
    tensorboard: Annotated[Path | None, arg(metavar="DIR")] = None,
    plan: Annotated[Path | None, arg(metavar="FILE")] = None,
    json: AsJson = False,
) -> int:
    """Write an experiment to a zip file that `runs import` reads; or, instead, to files of other kinds.

    Args:
        target: the zip file, or a folder in which it is named after the experiment; by default this one.
        all_snapshots: also the weights between the first and the last step of finished runs.
        tensorboard: write TensorBoard files into this folder instead, one folder for each run; files of an earlier
            export are continued. Needs requirements-export.txt.
        plan: write the plan to this file instead, YAML (or JSON, if its name ends so), which `train --from` starts.
    """
    found, run = find(identity)
    if tensorboard is None and plan is None:
        path = transfer.export(found.id, target or Path(), all_snapshots=all_snapshots)
        return show({"id": found.id, "path": path.resolve()}, str(path), as_json=json)
    if target is not None or all_snapshots:
        message(
            "error: --tensorboard and --plan write other files instead of the zip. Leave out what is about the zip."
        )
        return WRONG_USAGE
    document: dict[str, object] = {"id": found.id if run is None else run.id}
    lines = []
    if plan is not None:
        path = export_plan(found.id, plan, () if run is None else (run.id,))
        document["plan"] = path.resolve()
        lines.append(f"{path}: start it again with `python -m explorer train --from {shlex.quote(str(path))}`")
    if tensorboard is not None:
        sound = [each.id for each in found.runs if each.state != "damaged"] or list(found.run_ids)
        with progress_bar("Writing"):
            files = export_tensorboard(sound if run is None else [run.id], tensorboard)
        document |= {"tensorboard": tensorboard.resolve(), "files": [file.resolve() for file in files]}
        lines += [*map(str, files), f"Look at them with: tensorboard --logdir {shlex.quote(str(tensorboard))}"]
    return show(document, "\n".join(lines), as_json=json)


@app.command(name="import")
def import_all(
    paths: Annotated[Positional[tuple[Path, ...]], arg(metavar="ZIP...")],
    /,
    *,
    into: str = "",
    apart: bool = False,
    json: AsJson = False,
) -> int:
    """Import experiments written by `runs export`; several, as of a class, join one experiment if they compare.

    Runs join that have the data and the recipe of most files; others become experiments of their own, with what
    differs. The same run under two names counts once. Zips of one assignment join what was imported of it before.

    Args:
        paths: the zip files.
        into: id of an experiment here that they join.
        apart: import each as an experiment of its own.
    """
    if not paths:
        message("error: name at least one zip that `runs export` wrote.")
        return WRONG_USAGE
    done = transfer.import_files([(path, "") for path in paths], into=find(into)[0].id if into else "", apart=apart)
    if len(paths) == 1 and not done.experiment and done.outcomes[0].fate == "apart":
        return show_experiment(find(done.outcomes[0].run)[0], json=json)
    rows = [asdict(each) for each in done.outcomes]
    show(done.document(), f"{done.summary()}\n\n{text_table(rows, OUTCOMES)}", as_json=json)
    if any(each.fate in ("joined", "apart") for each in done.outcomes):
        message(f"`python -m explorer runs undo-import {done.id}` takes this import back.")
    if done.experiment:
        message(f"`python -m explorer degradation verdict {done.experiment}` gives the verdict over all.")
    if done.refused:
        message(f"error: {len(done.refused)} of {len(paths)} files were not imported; the reasons are above.")
    return 1 if done.refused else 0


@app.command(name="undo-import")
def undo_import(identity: Annotated[Positional[str], arg(metavar="IMPORT")], /, *, json: AsJson = False) -> int:
    """Take an import of several files back: remove its runs, also from an experiment that they joined.

    Args:
        identity: id of the import, as `runs import` printed it.
    """
    gone = transfer.take_back(identity)
    trash.discard(gone)
    return show({"import": identity, "runs": gone.run_ids}, f"Took back {gone.title}.", as_json=json)


def find(identity: str) -> tuple[Experiment, Run | None]:
    """The experiment, or the run and its experiment, with this id or the only one that begins with it.

    Raises:
        RunError: there is none, or there are several.
    """
    listed = list_experiments()
    runs = [(found, run) for found in listed for run in found.runs]
    for found in listed:
        if found.id == identity:
            return found, None
    for found, run in runs:
        if run.id == identity:
            return found, run
    begins = [found for found in listed if identity and found.id.startswith(identity)]
    if len(begins) == 1:
        return begins[0], None
    if begins:
        ids = ", ".join(found.id for found in begins)
        raise RunError(f"{quoted(identity)} is the beginning of {len(begins)} experiments: {ids}. Give more of the id.")
    matching = [(found, run) for found, run in runs if identity and run.id.startswith(identity)]
    if len(matching) == 1:
        return matching[0]
    raise RunError(
        f"No experiment or run begins with {quoted(identity)}. `python -m explorer runs list` shows those there are."
    )


def _act(action: Callable[[str], object], identity: str, *, json: bool) -> int:
    """Apply an action to an experiment, then print the experiment."""
    found, _ = find(identity)
    action(found.id)
    return show_experiment(experiments.experiment(found.id), json=json)
