"""Gather a report from experiments."""

from collections.abc import Sequence
from datetime import datetime

from explorer.errors import RunError, quoted
from explorer.export.reports.content import Block, Quotation, Report, Section
from explorer.export.reports.origin import (
    data_section,
    machine_section,
    networks_section,
    recipe_section,
    reproduction_section,
)
from explorer.export.reports.responses import Responses, command, responses_section
from explorer.export.reports.results import beginning, errors_section, results, verdict_sections
from explorer.numerals import listed
from explorer.runs.experiments import Experiment
from explorer.runs.states import state_of_experiment

MOST = 200  # experiments
MOST_TITLES = 3


def readable(found: Sequence[Experiment]) -> tuple[Experiment, ...]:
    """The experiments, each once, if a report can be made of them.

    Raises:
        RunError: none was named, too many, or all runs of one are damaged.
    """
    found = tuple({each.id: each for each in found}.values())
    if not found:
        raise RunError("Name at least one experiment. `python -m explorer runs list` shows them.")
    if len(found) > MOST:
        raise RunError(f"{len(found)} experiments are more than one report compares; name at most {MOST}.")
    for each in found:
        if all(run.facts is None or run.state == "damaged" for run in each.runs):
            raise RunError(
                f"All runs of {quoted(each.id)} are damaged, so there is nothing to report. {each.runs[0].damage}"
            )
    return found


def gathered(found: Sequence[Experiment], responses: Responses) -> Report:
    """A report on one experiment, or on several that are compared.

    Args:
        responses: see `reports.responses`.

    Raises:
        RunError: see `readable`.
    """
    found = readable(found)
    shown = results(found)
    sections = [
        beginning(shown),
        *_notes(found),
        errors_section(shown),
        *verdict_sections(shown),
        responses_section(responses, one_data_set=len({each.data for each in found}) == 1),
        networks_section(found),
        recipe_section(found),
        data_section(found),
        machine_section(found),
        reproduction_section(found, command(responses)),
    ]
    return Report(
        title=listed([each.title or each.id for each in found], MOST_TITLES),
        name=found[0].id if len(found) == 1 else f"{len(found)}-experiments",
        line=_line(found),
        sections=tuple(sections),
    )


def _line(found: Sequence[Experiment]) -> str:
    made = f"report made {datetime.now().astimezone():%d %B %Y, %H:%M}"
    if len(found) > 1:
        runs = sum(len(each.runs) for each in found)
        return f"{len(found)} experiments, {runs} runs · {made}"
    each = found[0]
    began = f"started {each.created.astimezone():%d %B %Y, %H:%M}" if each.created else ""
    return " · ".join(filter(None, [each.id, state_of_experiment(each), began, made]))


def _notes(found: Sequence[Experiment]) -> list[Section]:
    """The notes that users wrote about their experiments."""
    blocks: list[Block] = []
    for each in found:
        if each.note:
            named = f"{each.title or each.id}: " if len(found) > 1 else ""
            blocks.append(Quotation(named + each.note))
    return [Section("Notes", tuple(blocks))] if blocks else []
