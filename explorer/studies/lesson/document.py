"""The lesson with its findings: as objects, and as one HTML file that opens offline."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from explorer import glossary, progress
from explorer.analysis.findings import NOTHING, Finding
from explorer.errors import RunError
from explorer.figures import standalone
from explorer.glossary import Entry
from explorer.registry import lookup
from explorer.studies.lesson.runs import SHIPPED, LessonRuns, chosen, images_there
from explorer.studies.lesson.steps import HEIGHT, STEPS, Measurement, Results, Step
from explorer.studies.lesson.texts import ENGLISH, PAGE, filled, languages, text

if TYPE_CHECKING:
    from explorer.figures import Figure

WIDTH = 1100  # pixels of the page's column


@dataclass(frozen=True, slots=True)
class AskedStep:
    """One step without its answer, in one language, with the networks' names in the texts.

    Attributes:
        number: 1, 2, ...
        guesses: by key.
        limits: what the step does not show.
        terms: of the glossary, by id.
    """

    number: int
    title: str
    introduction: str
    question: str
    guesses: Mapping[str, str]
    limits: str
    terms: Mapping[str, Entry]


@dataclass(frozen=True, slots=True, eq=False)
class TaughtStep:
    """One step with its answer.

    Attributes:
        right: key of the guess that the measurement makes right; empty if it decides nothing.
        finding: the sentences that hold, computed from what the figure shows.
        draw: gives the figure; None where the runs have nothing to measure.
        draw_large: gives it for a room.
        experiment: id of the one it was measured on.
    """

    asked: AskedStep
    right: str
    finding: tuple[str, ...]
    draw: "Callable[[], Figure] | None"
    draw_large: "Callable[[], Figure] | None"
    experiment: str


def steps(experiment: str = "", language: str = ENGLISH) -> list[TaughtStep]:
    """All steps of the lesson, measured on the networks of an experiment; takes about a minute.

    Args:
        experiment: id; empty takes the shipped networks. If its images are not on this machine, steps that need them
            are measured on the shipped networks for handwritten digits.
        language: a code in `texts.languages`.

    Raises:
        RunError: there is no such experiment, or it has no plain and residual networks of two depths.
        UnknownName: there is no such language.
    """
    lookup(languages(), language, "language of the lesson")
    runs = chosen(experiment)
    found = []
    for number, step in enumerate(STEPS, start=1):
        with progress.part(number - 1, len(STEPS)):
            shown = measured_on(runs, step)
            results = [_measured(each) for each in step.measure(shown)]
            found.append(taught(number, shown, results, language))
    return found


def measured_on(runs: LessonRuns, step: Step, find: Callable[[str], LessonRuns] = chosen) -> LessonRuns:
    """The runs that a step is measured on: if it needs images that are not on this machine, those of the digits.

    Args:
        find: gives the networks of an experiment.
    """
    if step.measure(runs) and not images_there(runs):
        with suppress(RunError):
            return find(SHIPPED[-1])
    return runs


def _measured(wanted: Measurement) -> Any:
    function = getattr(import_module(f"explorer.studies.{wanted.module}"), wanted.function)
    return function(*wanted.arguments, **wanted.options)


def asked(number: int, runs: LessonRuns, language: str, quoted: Callable[[str], str] = str) -> AskedStep:
    """A step's texts.

    Args:
        quoted: makes names of networks and data safe in the texts.
    """
    step = STEPS[number - 1]
    words, facts = text(language, step.name), {key: quoted(value) for key, value in step.facts(runs).items()}
    return AskedStep(
        number=number,
        title=filled(words.title, facts),
        introduction=filled(words.parts["introduction"], facts),
        question=filled(words.parts["question"], facts),
        guesses={key: filled(guess, facts) for key, guess in words.guess.items()},
        limits=filled(words.parts["limits"], facts),
        terms={name: glossary.terms()[name].entry(language) for name in step.terms},
    )


def taught(
    number: int, runs: LessonRuns, results: Results, language: str, quoted: Callable[[str], str] = str
) -> TaughtStep:
    """A step with the results of its measurements; `quoted` as for `asked`."""
    step = STEPS[number - 1]
    finding = step.find(runs, results)
    draw = None if finding == NOTHING else partial(step.draw, runs, results, HEIGHT)
    return TaughtStep(
        asked=asked(number, runs, language, quoted),
        right=step.right.get(finding[0].key, ""),
        finding=sentences(finding, step.name, language),
        draw=draw,
        draw_large=partial(step.draw_large, results) if draw and step.draw_large else draw,
        experiment=runs.experiment.id,
    )


def sentences(finding: Finding, name: str, language: str) -> tuple[str, ...]:
    """A finding in words."""
    templates = {**text(language, PAGE).words, **text(language, name).finding}
    return tuple(filled(templates[each.key], each.numbers) for each in finding)


def html(experiment: str = "", language: str = ENGLISH) -> str:
    """The lesson as one HTML page that opens offline, guesses and answers folded; args and errors as for `steps`."""
    return page(steps(experiment, language), language)


def page(found: Sequence[TaughtStep], language: str = ENGLISH) -> str:
    """The HTML page of measured `steps`."""
    words = text(language, PAGE).words
    figures = {str(each.asked.number): each.draw() for each in found if each.draw}
    parts = "\n".join(_section(each, words, len(found)) for each in found)
    body = f"<h1>{escape(words['title'])}</h1>\n<p>{_inline(words['subtitle'])}</p>\n{parts}"
    return standalone.document(words["title"], body, figures, style=_STYLE, language=language, width=WIDTH)


def _section(step: TaughtStep, words: Mapping[str, str], count: int) -> str:
    shown = step.asked
    guesses = "".join(f"<li>{_inline(each)}</li>" for each in shown.guesses.values())
    figure = standalone.figure_place(str(shown.number), shown.title) if step.draw else ""
    terms = "".join(f"<dt>{_inline(each.term)}</dt><dd>{_inline(each.text)}</dd>" for each in shown.terms.values())
    return f"""<section>
<p class="progress">{_inline(filled(words["progress"], {"step": str(shown.number), "steps": str(count)}))}</p>
<h2>{_inline(shown.title)}</h2>
<p>{_inline(shown.introduction)}</p>
<p class="question">{_inline(shown.question)}</p>
<details><summary>{_inline(words["guess"])}</summary><ul>{guesses}</ul></details>
<details class="answer"><summary>{_inline(words["answer"])}</summary>
<p>{_inline(shown.guesses.get(step.right, words["open"]))}</p>
<p class="finding">{_inline(" ".join(step.finding))}</p>
{figure}
<p class="limits"><b>{_inline(words["limits"])}.</b> {_inline(shown.limits)}</p>
<details><summary>{_inline(words["terms"])}</summary><dl>{terms}</dl></details>
</details>
</section>"""


def _inline(source: str) -> str:
    """Markdown's bold and emphasis, all else as it stands."""
    shown = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(source, quote=False))
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", shown)


_STYLE = """
body { word-break: keep-all; }
section { border-top: 1px solid var(--grid); margin-top: 2.5rem; padding-top: 1rem; }
.progress, .limits { color: var(--muted); font-size: 16px; }
.question, .finding { font-size: 22px; }
dt { font-weight: 600; }
"""
