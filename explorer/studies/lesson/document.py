"""The lesson with its findings: as objects, and as one HTML file that opens offline."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

import plotly.offline

from explorer import progress
from explorer.analysis.findings import Finding
from explorer.figures import theme
from explorer.registry import lookup
from explorer.studies.lesson.runs import SHIPPED, LessonRuns, chosen, images_there
from explorer.studies.lesson.steps import HEIGHT, STEPS, Measurement, Step
from explorer.studies.lesson.texts import ENGLISH, PAGE, filled, languages, text

if TYPE_CHECKING:
    from explorer.figures import Figure

WIDTH = 1100  # pixels of the page's column


@dataclass(frozen=True, slots=True, eq=False)
class TaughtStep:
    """One step with its answer.

    Attributes:
        number: 1, 2, ...
        introduction, question, limits: texts in the language, with the numbers in them.
        guesses: by key; right: the key that the measurement makes right, empty if it decides nothing.
        finding: the sentences that hold, computed from what the figure shows.
        figure: None where the runs have nothing to measure.
        experiment: id of the one it was measured on.
    """

    number: int
    title: str
    introduction: str
    question: str
    guesses: Mapping[str, str]
    right: str
    finding: str
    figure: "Figure | None"
    limits: str
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
            found.append(taught(number, step, shown, results, language))
    return found


def measured_on(runs: LessonRuns, step: Step) -> LessonRuns:
    """The runs that a step is measured on: if it needs images that are not here, those of the digits."""
    return runs if not step.measure(runs) or images_there(runs) else chosen(SHIPPED[-1])


def _measured(asked: Measurement) -> Any:
    function = getattr(import_module(f"explorer.studies.{asked.module}"), asked.function)
    return function(*asked.arguments, **asked.options)


def taught(number: int, step: Step, runs: LessonRuns, results: list[Any], language: str) -> TaughtStep:
    """A step with the results of its measurements."""
    words, facts = text(language, step.name), step.facts(runs)
    finding = step.find(runs, results)
    drawable = finding[0].key != "nothing"
    return TaughtStep(
        number=number,
        title=filled(words.title, facts),
        introduction=filled(words.parts["introduction"], facts),
        question=filled(words.parts["question"], facts),
        guesses={key: filled(guess, facts) for key, guess in words.guess.items()},
        right=step.right.get(finding[0].key, ""),
        finding=sentences(finding, step.name, language),
        figure=step.draw(runs, results, HEIGHT) if drawable else None,
        limits=filled(words.parts["limits"], facts),
        experiment=runs.experiment.id,
    )


def sentences(finding: Finding, name: str, language: str) -> str:
    """A finding in words."""
    templates = {**text(language, PAGE).words, **text(language, name).finding}
    return " ".join(filled(templates[each.key], each.numbers) for each in finding)


def html(experiment: str = "", language: str = ENGLISH) -> str:
    """The lesson as one HTML page that opens offline, guesses and answers folded; args and errors as for `steps`."""
    words = text(language, PAGE).words
    found = steps(experiment, language)
    figures = {each.number: each.figure.to_plotly_json() for each in found if each.figure is not None}
    parts = "\n".join(_section(each, words, len(found)) for each in found)
    data = json.dumps(figures, cls=plotly.utils.PlotlyJSONEncoder).replace("</", "<\\/")
    return _PAGE.format(
        language=language,
        title=escape(words["title"]),
        subtitle=_inline(words["subtitle"]),
        style=_STYLE,
        steps=parts,
        plotly=plotly.offline.get_plotlyjs(),
        figures=data,
        script=_SCRIPT,
    )


def _section(step: TaughtStep, words: Mapping[str, str], count: int) -> str:
    guesses = "".join(f"<li>{_inline(each)}</li>" for each in step.guesses.values())
    right = step.guesses.get(step.right)
    verdict = f"<p>{_inline(right)}</p>" if right else f"<p>{_inline(words['open'])}</p>"
    figure = f'<div class="figure" id="figure-{step.number}"></div>' if step.figure is not None else ""
    return f"""<section>
<p class="progress">{_inline(filled(words["progress"], {"step": str(step.number), "steps": str(count)}))}</p>
<h2>{_inline(step.title)}</h2>
<p>{_inline(step.introduction)}</p>
<p class="question">{_inline(step.question)}</p>
<details><summary>{_inline(words["guess"])}</summary><ul>{guesses}</ul></details>
<details class="answer"><summary>{_inline(words["answer"])}</summary>
{verdict}
<p class="finding">{_inline(step.finding)}</p>
{figure}
<p class="limits"><b>{_inline(words["limits"])}.</b> {_inline(step.limits)}</p>
</details>
</section>"""


def _inline(source: str) -> str:
    """Markdown's bold and emphasis, all else as it stands."""
    shown = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(source, quote=False))
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", shown)


_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<p>{subtitle}</p>
{steps}
<script>{plotly}</script>
<script type="application/json" id="figures">{figures}</script>
<script>{script}</script>
</body>
</html>
"""

_STYLE = f"""
body {{ font: 18px/1.5 {theme.FONT}; color: {theme.LIGHT.ink}; background: {theme.LIGHT.page};
  max-width: {WIDTH}px; margin: 2rem auto; padding: 0 1rem; }}
section {{ border-top: 1px solid {theme.LIGHT.grid}; margin-top: 2.5rem; padding-top: 1rem; }}
.progress, .limits {{ color: {theme.LIGHT.muted}; font-size: 16px; }}
.question, .finding {{ font-size: 22px; }}
summary {{ cursor: pointer; font-weight: 600; margin: 0.5rem 0; }}
.figure {{ overflow-x: auto; }}
"""

# A figure is drawn when its answer is first opened: before, it has no width.
_SCRIPT = """
const figures = JSON.parse(document.getElementById("figures").textContent)
for (const answer of document.querySelectorAll("details.answer")) {
  answer.addEventListener("toggle", () => {
    const place = answer.querySelector(".figure")
    if (!place || place.childElementCount) return
    const figure = figures[place.id.replace("figure-", "")]
    Plotly.newPlot(place, figure.data, figure.layout, { displaylogo: false, responsive: true })
  })
}
"""
