"""Commands of the degradation lab: run a preset, give the verdict on experiments."""

from dataclasses import asdict
from typing import Annotated

from tyro.conf import arg
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
