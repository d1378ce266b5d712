"""Commands of the degradation lab: run a preset or share it out, give the verdict on experiments."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from explorer.analysis.verdict import Verdict
from explorer.cli.follow import until_end
from explorer.cli.output import AsCsv, AsJson, message, show, show_table, text_table
from explorer.cli.runs import Ids, find
from explorer.cli.train import ENGINE_HELP, GPUS_HELP, show_experiment
from explorer.runs.experiments import experiment
from explorer.runs.facts import Where
from explorer.studies import degradation
from explorer.studies.degradation import Report
from explorer.training.assignment import assignment, handed_in, trained_from
from explorer.training.launch import start
from explorer.training.presets import PRESETS

app = SubcommandApp()

PRESET_HELP = f"One of {', '.join(PRESETS)}."
SHOWN = ["network", "against", "seeds", "error", "against_error", "gap", "low", "high", "outcome", "reason"]


@app.command
def run(
    *,
    preset: Annotated[str, arg(help=PRESET_HELP)] = "one_minute",
    depths: tuple[int, ...] | None = None,
    seeds: tuple[int, ...] | None = None,
    steps: int | None = None,
    engine: Annotated[str, arg(help=ENGINE_HELP)] = "local",
    gpus_per_run: Annotated[float, arg(help=GPUS_HELP)] = 0.0,
    lanes: int = 0,
    detach: bool = False,
    json: AsJson = False,
) -> int:
    """Train plain and residual networks of several depths together, then give the verdict. Ctrl-C pauses.

    Args:
        depths: of the preset's kinds of networks, instead of its own depths, such as 20 32.
        seeds: instead of the preset's.
        steps: instead of the preset's.
        lanes: worker processes that train at the same time; 0 chooses by cores, memory and runs.
        detach: start and return at once; `degradation verdict ID` gives the verdict later.
    """
    plan = degradation.plan(preset, depths=depths, seeds=seeds, steps=steps)
    for confound in degradation.plan_confounds(plan):
        message(f"note: {confound.reason} {confound.remedy} ({confound.source}).")
    message(f"On two CPU cores the preset takes {PRESETS[preset.replace('-', '_')].time}.")
    experiment_id = start(plan, Where(engine=engine, lanes=lanes, gpus_per_run=gpus_per_run))
    message(f"Experiment {experiment_id}")
    if detach:
        return show_experiment(experiment(experiment_id), json=json)
    found = until_end(experiment_id)
    return _show(degradation.report([found]), json=json)


@app.command
def assign(
    *,
    students: int,
    to: Path,
    preset: Annotated[str, arg(help=PRESET_HELP)] = "one_minute",
    depths: tuple[int, ...] | None = None,
    kinds: tuple[str, ...] | None = None,
    steps: int | None = None,
    name: str = "",
    json: AsJson = False,
) -> int:
    """Share a comparison out among students: a plan file for each with one network and one seed, and instructions.

    Their zips (`degradation hand-in`) join again with `runs import *.zip`.

    Args:
        students: how many.
        to: folder for the files; it is made.
        depths: instead of the preset's, such as 20 56.
        kinds: plain, residual, or the first part of a network's name; instead of the preset's.
        steps: instead of the preset's.
        name: of the assignment, by which the runs join.
    """
    made = assignment(preset, students=students, depths=depths, kinds=kinds, steps=steps, name=name)
    paths = made.write(to)
    rows = [
        {"file": path.name, "network": part.networks[0], "seed": part.seeds[0]}
        for path, part in zip(paths, made.parts, strict=False)
    ]
    message(f"Give each student one of these files and {paths[-1]}, which says what to do.")
    document = {"assignment": made.name, "folder": to.resolve(), "students": rows}
    return show(document, f"{made.name}\n\n{text_table(rows, ['file', 'network', 'seed'])}", as_json=json)


@app.command(name="hand-in")
def hand_in(plan: Positional[Path], target: Positional[Path] = Path(), /, *, json: AsJson = False) -> int:
    """Write the zip of what was trained from a plan file, after waiting for its end.

    Args:
        plan: the plan file of an assignment, from which `train --from` was started.
        target: a file, or a folder in which it is named after the plan file.
    """
    found = trained_from(plan)
    if found.active:
        until_end(found.id)
    path = handed_in(plan, target)
    message("Give this file to your teacher.")
    return show({"id": found.id, "path": path.resolve()}, str(path), as_json=json)


@app.command
def verdict(identities: Ids, /, *, csv: AsCsv = False, json: AsJson = False) -> int:
    """Give the verdict on depth and shortcuts from experiments, with intervals over seeds.

    Several experiments are compared with each other; different recipes are reported.
    """
    found = degradation.report([find(identity)[0] for identity in identities])
    return show_table("gaps", found.gaps, csv=True, json=False) if csv else _show(found, json=json)


def _show(report: Report, *, json: bool) -> int:
    gaps = report.gaps.to_dict("records")
    document = {
        "id": report.experiments[0],
        "experiments": report.experiments,
        "finding": asdict(report.finding),
        "degradation": asdict(report.degradation),
        "shortcut": asdict(report.shortcut),
        "gaps": gaps,
        "runs": report.ends.to_dict("records"),
        "unfinished": report.unfinished,
        "confounds": [asdict(each) for each in report.confounds],
        "chance": report.chance,
    }
    blocks = [str(report.finding), *([text_table(gaps, SHOWN)] if gaps else [])]
    blocks += [_text(report.degradation), _text(report.shortcut)]
    if report.not_counted:
        blocks.append(report.not_counted)
    blocks += [f"Caveat: {each.reason} ({each.source}) {each.remedy}." for each in report.confounds]
    return show(document, "\n\n".join(blocks), as_json=json)


def _text(answer: Verdict) -> str:
    return "\n".join([f"{answer.headline}.", *(f"  {sentence}" for sentence in answer.sentences)])
