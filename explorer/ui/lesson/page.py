"""The lesson: one step at a time, kept in the address with the reader's guesses, language and runs."""

from collections.abc import Callable, Mapping
from typing import Literal

import streamlit as st

from explorer.compute import functions
from explorer.compute.client import compute
from explorer.data.catalogue import dataset
from explorer.errors import quoted
from explorer.escaping import in_markdown
from explorer.runs.experiments import Experiment
from explorer.studies.lesson.document import AskedStep, TaughtStep, asked, measured_on, taught
from explorer.studies.lesson.runs import LessonRuns, choices, lesson_runs, usable
from explorer.studies.lesson.steps import STEPS, Measurement, Step
from explorer.studies.lesson.texts import ENGLISH, PAGE, filled, languages, text
from explorer.ui import cached, wording
from explorer.ui.address import number_in_link, write_address
from explorer.ui.lesson.ending import ending
from explorer.ui.lesson.links import full_page
from explorer.ui.navigation import page
from explorer.ui.widgets.live_chart import cached_drawing, live_chart
from explorer.ui.widgets.presenting import first_sentences, is_presenting, present, stage
from explorer.ui.widgets.waiting import awaited, show_failure

SHOWN = "show"  # in the address, for an answer without a guess
ANSWER = "-answer"  # end of the second beat of a step in a presentation
# Korean too is broken between words.
WHOLE_WORDS = """<style>[data-testid=stMarkdownContainer] * { word-break: keep-all !important; }</style>"""
BEATS = [f"{number}{part}" for number in range(1, len(STEPS) + 1) for part in ("", ANSWER)]

Words = Mapping[str, str]


def lesson() -> None:
    """The step in the address."""
    language = _language()
    words = text(language, PAGE).words
    st.html(WHOLE_WORDS)
    number = int(number_in_link("step", 1, len(STEPS)) or 1)
    head = st.container(horizontal=True, vertical_alignment="center")
    with head:
        _go(words["back"], number - 1, "Left")
        numbers = {"step": str(number), "steps": str(len(STEPS))}
        st.progress(number / len(STEPS), f"{words['title']}, {filled(words['progress'], numbers)}")
        runs = _choose_runs(words)
        _choose_language(language, words)
        _go(words["next"], number + 1, "Right")
        beat = present(BEATS, first=str(number))
    if runs is None:
        st.info(words["no_experiment"], icon=":material/info:")
        return
    if beat is not None:
        number = int(beat.removesuffix(ANSWER))
        write_address("step", str(number))  # where the page goes on afterwards
    _prepare(number, runs)
    measured = measured_on(runs, STEPS[number - 1], _runs)
    if beat is not None:
        _on_stage(number, measured, language, answered=beat.endswith(ANSWER))
        return
    if measured.experiment.id != runs.experiment.id:
        missing = in_markdown(runs.facts()["data"])
        st.caption(filled(words["substitute"], {"data": missing}))
    _show_step(number, measured, language)
    if number == len(STEPS):
        ending(runs.experiment.id, language, words)


def _on_stage(number: int, runs: LessonRuns, language: str, *, answered: bool) -> None:
    """The question with its guesses, or the finding with its figure, to a room."""
    words = text(language, PAGE).words
    shown = asked(number, runs, language, in_markdown)
    with stage(shown.question) as say:
        if not answered:
            for choice, guess in shown.guesses.items():
                st.markdown(f":gray[{choice}] {guess}")
            return
        results = _results(STEPS[number - 1], runs, words)
        if results is not None:
            found = taught(number, runs, results, language, in_markdown)
            say(first_sentences(found.finding))
            _figure(found, runs)


def _show_step(number: int, runs: LessonRuns, language: str) -> None:
    """Question, guesses, and once a guess is made finding and figure."""
    words = text(language, PAGE).words
    shown = asked(number, runs, language, in_markdown)
    guess = st.query_params.get(f"g{number}", "")
    with st.container(gap="xsmall"):
        st.markdown(f"### {shown.title}")
        if guess not in (*shown.guesses, SHOWN):
            st.markdown(shown.introduction)
            st.markdown(f"##### {shown.question}")
            _ask_guess(shown, words)
            return
        st.markdown(f"**{shown.question}**")
        results = _results(STEPS[number - 1], runs, words)
        if results is None:
            return
        found = taught(number, runs, results, language, in_markdown)
        _show_guess(found, guess, words)
        first, *more = found.finding
        st.markdown(f"**{first}** {' '.join(more)}")
        _figure(found, runs)
    _about(found, runs, language, words)


def _figure(found: TaughtStep, runs: LessonRuns) -> None:
    draw = found.draw_large if is_presenting() else found.draw
    if draw is not None:
        name = STEPS[found.asked.number - 1].name
        drawing = cached_drawing(repr((name, runs.experiment.id, runs.experiment.created, is_presenting())), draw)
        live_chart(drawing, key=f"lesson-{name}", alt=found.finding[0], filename=f"lesson-{name}")


def _language() -> str:
    asked = st.query_params.get("lang", ENGLISH)
    return asked if asked in languages() else ENGLISH


def _choose_language(language: str, words: Words) -> None:
    names, key = languages(), f"lesson-language-{language}"
    st.segmented_control(
        words["language"], list(names), format_func=names.__getitem__, default=language, required=True, key=key,
        on_change=lambda: write_address("lang", st.session_state[key]), label_visibility="collapsed", width="content",
    )  # fmt: skip


def _choose_runs(words: Words) -> LessonRuns | None:
    """The runs in the address, by default the shipped ones; None where there are none."""
    everything = cached.experiments()
    offered = {each.id: each for each in choices(everything)}
    asked = st.query_params.get("runs", "")
    if asked and asked not in offered:
        given = next((each for each in everything if each.id == asked), None)
        if given is not None and usable(given):
            offered[asked] = given
        else:
            st.warning(filled(words["unsuitable"], {"experiment": in_markdown(quoted(asked))}))
    if not offered:
        return None
    current = asked if asked in offered else next(iter(offered))
    key = f"lesson-runs-{current}"
    labels = wording.distinct({each: _label(found, words) for each, found in offered.items()})
    st.selectbox(
        words["runs"], list(offered), index=list(offered).index(current), format_func=labels.__getitem__, key=key,
        on_change=lambda: write_address("runs", st.session_state[key]), label_visibility="collapsed", width=240,
    )  # fmt: skip
    return _runs(current)


def _label(found: Experiment, words: Words) -> str:
    if found.state != "shipped":
        return wording.title(found)
    return f"{dataset(found.data).title}, {words['shipped']}"


def _runs(experiment: str) -> LessonRuns:
    return lesson_runs(cached.experiment(experiment), reported=cached.report)


def _go(label: str, number: int, arrow: str) -> None:
    """A button to another step, which an arrow key presses too, unless that is for the beats of a presentation."""
    there = 1 <= number <= len(STEPS)
    kind: Literal["primary", "secondary"] = "primary" if arrow == "Right" else "secondary"
    st.button(
        label, key=f"lesson-{arrow}", shortcut=None if is_presenting() else arrow, type=kind, disabled=not there,
        on_click=write_address,
        args=("step", str(number)),
    )  # fmt: skip


def _ask_guess(shown: AskedStep, words: Words) -> None:
    key = f"g{shown.number}"
    for choice, guess in shown.guesses.items():
        st.button(guess, key=f"{key}-{choice}", on_click=write_address, args=(key, choice))
    st.button(words["show"], key=f"{key}-{SHOWN}", type="tertiary", on_click=write_address, args=(key, SHOWN))


def _show_guess(found: TaughtStep, guess: str, words: Words) -> None:
    """The guess, and whether it was right."""
    shown = found.asked
    with st.container(horizontal=True, vertical_alignment="center"):
        if guess == SHOWN:
            st.markdown(f":gray[{words['no_guess']}]", width="content")
        else:
            verdict = "open" if not found.right else "right" if guess == found.right else "wrong"
            colour, icon = {"open": ("gray", "help"), "right": ("green", "check"), "wrong": ("orange", "close")}[
                verdict
            ]
            mine = filled(words["guessed"], {"guess": shown.guesses[guess].rstrip(".")})
            st.markdown(f"{mine} :{colour}[:material/{icon}: {words[verdict]}]", width="content")
        st.button(
            words["again"], key=f"again-{shown.number}", type="tertiary", icon=":material/undo:",
            on_click=write_address, args=(f"g{shown.number}", None),
        )  # fmt: skip


def _about(found: TaughtStep, runs: LessonRuns, language: str, words: Words) -> None:
    st.caption(found.asked.introduction)
    st.caption(f"**{words['limits']}.** {found.asked.limits}")
    entries = found.asked.terms
    links = " · ".join(f"[{each.term}](glossary?term={term}&lang={language})" for term, each in entries.items())
    explained = "\n\n".join(f"**{each.term}**: {each.text}" for each in entries.values())
    st.caption(f"**{words['terms']}.** {links}", help=explained)
    name, query = full_page(STEPS[found.asked.number - 1].name, runs)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(page(name), label=words["full"], icon=":material/open_in_full:", query_params=query)
        title = in_markdown(wording.title(runs.experiment))
        st.caption(filled(words["measured_on"], {"title": title}), width="content")


def _results(step: Step, runs: LessonRuns, words: Words) -> list[object] | None:
    """The step's measurements, once all have ended; None if one failed, which is shown."""
    calls = [compute.ask(_function(each), *each.arguments, **each.options) for each in step.measure(runs)]
    failed = [show_failure(each) for each in awaited(calls, words["measuring"])] if calls else []
    return None if any(failed) else [each.value for each in calls]


def _prepare(number: int, runs: LessonRuns) -> None:
    """Let this step and the next be measured while the reader thinks."""
    for step in STEPS[number - 1 : number + 1]:
        for each in step.measure(measured_on(runs, step, _runs)):
            compute.prepare(_function(each), *each.arguments, **each.options)


def _function(wanted: Measurement) -> Callable[..., object]:
    found: Callable[..., object] = getattr(getattr(functions, wanted.module), wanted.function)
    return found
