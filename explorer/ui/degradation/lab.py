"""The degradation lab of one experiment: the finding, the race, the verdicts, and the evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from explorer.analysis.verdict import Outcome, Verdict, last_steps
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import Figure, gaps, race
from explorer.models.published import published
from explorer.runs.experiments import Experiment
from explorer.studies.degradation import Report, is_augmented, plan_of
from explorer.ui import cached, wording
from explorer.ui.degradation.evidence import evidence
from explorer.ui.degradation.setup import Guess
from explorer.ui.names import experiment_name
from explorer.ui.widgets.caveats import show_caveats
from explorer.ui.widgets.experiment_export import export_experiments
from explorer.ui.widgets.in_hand import in_hand
from explorer.ui.widgets.inside import inside
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.presenting import present, stage
from explorer.ui.widgets.progress import controls, progress
from explorer.ui.widgets.refresh import show_live
from explorer.ui.wording import distinct

FIRST_SHOWN = "shipped-cifar10"  # where the reader has none of their own

RACES = {"race": ("train",), "test": ("test",)}  # beats of a presentation: panels of the race

# outcome: colour and icon
STYLES: dict[Outcome | None, tuple[str, str]] = {
    "seen": ("orange", "trending_up"),
    "reversed": ("blue", "trending_down"),
    "cannot_tell": ("gray", "help"),
    "not_started": ("gray", "hourglass_disabled"),
    None: ("gray", "do_not_disturb_on"),
}

ENDED = ("shipped", "finished")  # states without buttons
THESIS = (
    "A deeper network can represent whatever a shallower one can, so its *training* error should be no higher. In "
    "plain networks it is."
)


def choose_experiment() -> str | None:
    """The experiment in hand, else the reader's newest, else a shipped one; None where there is none."""
    found = {each.id: each for each in cached.experiments() if each.runs[0].facts is not None}
    if not found:
        st.info(
            "There are no experiments on this machine, not even shipped ones. Start one below.",
            icon=":material/info:",
        )
        return None
    opened = in_hand("another one is shown")
    current = opened.id if opened and opened.id in found else first_shown(found)
    labels = distinct({each: experiment_name(found[each]) for each in found})
    chosen = st.selectbox(
        "Experiment",
        list(found),
        index=list(found).index(current),
        format_func=labels.__getitem__,
        key=f"experiment-{current}",
        label_visibility="collapsed",
    )
    if chosen != current:
        st.query_params.from_dict({"experiment": chosen})
        st.rerun()
    return str(chosen)


def first_shown(found: Mapping[str, Experiment]) -> str:
    """The reader's newest experiment that trains or has finished, else the shipped one, else the newest of all."""
    own = (each.id for each in found.values() if each.active or each.state == "finished")
    return next(own, FIRST_SHOWN if FIRST_SHOWN in found else next(iter(found)))


def lab(experiment_id: str) -> None:
    """The race of an experiment, refreshed while it trains; at its end the finding above it, the verdicts below it."""
    found = cached.experiment(experiment_id)
    report = None if found.active else cached.report(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{wording.chip(found)} {THESIS}" if found.state in ENDED else THESIS)
        beat = present(["race", "test", *(_gap_rows(report) if report else ())])
    above = st.container()

    def show(now: Experiment) -> None:
        _state(now)
        with stage(report.finding.main if report else experiment_name(now), beat in RACES):
            live_chart(
                _race(now, RACES.get(beat or "", ("train", "test"))),
                key=f"race-{experiment_id}",
                alt=f"Training error and test error of {', '.join(now.networks)} against steps.",
                filename="degradation",
                replay="" if now.active else now.id,
                plays=now.state == "shipped",
            )
        if now.active:
            st.caption("The verdict is given when all networks have reached the end of the schedule.")
        inside(now, explain=False)

    show_live(found, show)
    if report:
        with above:
            _finding(report)
        _reveal(report)
        _verdicts(report, beat)
        st.caption(_measure(found) + cached.sampling_note([found]))
        if report.confounds:
            show_caveats(report.confounds, plan_of([found]), key="after")
    evidence(found)
    gaps_known = report is not None and len(report.gaps) > 0
    view = View("gaps" if gaps_known else "metrics", (found.id,), text=_said(report))
    export_experiments(
        [found],
        view if gaps_known else replace(view, figure="race", look={"steps": found.steps}),
        lambda: _race(found),
        chart=f"race-{experiment_id}",
        table=report.gaps if report and gaps_known else None,
    )


def _said(report: Report | None) -> tuple[str, ...]:
    """The findings, for a notebook."""
    if report is None:
        return ()
    verdicts = (report.degradation, report.shortcut)
    return report.finding.main, *(sentence for each in verdicts for sentence in each.sentences)


def _finding(report: Report) -> None:
    """The main thing first, in view with the top of the race."""
    if len(report.gaps):
        with st.container(border=True, gap="xsmall", key="finding"):
            st.markdown(f"#### {report.finding.main}")
            if report.finding.notes:
                st.caption(" ".join(report.finding.notes))


def _state(found: Experiment) -> None:
    """State, buttons and progress; a finished experiment needs none."""
    if found.state not in ENDED:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(wording.chip(found))
            controls(found)
        progress(found)


def _race(found: Experiment, parts: Sequence[str] = ("train", "test")) -> Figure:
    return race(
        cached.metrics(found.run_ids),
        smoothing=last_steps(found.steps),
        steps=found.steps,
        published=_published(found),
        parts=parts,
        ends=cached.ends([found]),
    )


def _published(found: Experiment) -> pd.DataFrame | None:
    """Published results for the depths of this experiment, if it is on the same data."""
    if found.data != "cifar10":
        return None
    depths = {run.facts.network.depth for run in found.runs if run.facts}
    table = published()
    return table[table["depth"].isin(depths)]


def _measure(found: Experiment) -> str:
    facts = next(run.facts for run in found.runs if run.facts)
    tail = last_steps(found.steps)
    where = " (cropped and mirrored as in training)" if is_augmented(facts) else ""
    shipped = "Shipped with the program, trained by its own worker; read-only. " if found.state == "shipped" else ""
    return (
        f"{shipped}Training error: mean of the last {tail:,} batches{where}, at the end of the schedule; never the "
        "best epoch, never the test error. Intervals: 95 %, Student's t over seeds, differences taken seed by seed, "
        "not corrected for multiple comparisons."
    )


def _gap_rows(report: Report) -> dict[str, pd.DataFrame]:
    """The measured gaps of each question that has some."""
    counterparts = {"degradation": ("degradation", "residual_depth"), "shortcut": ("shortcut",)}
    rows = {each: report.gaps[report.gaps["question"].isin(shown)] for each, shown in counterparts.items()}
    return {each: found for each, found in rows.items() if len(found)}


def _verdicts(report: Report, beat: str | None) -> None:
    rows = _gap_rows(report)
    for answer in (report.degradation, report.shortcut):
        with st.container(border=True):
            colour, icon = STYLES[answer.outcome]
            st.markdown(f"#### :{colour}[:material/{icon}:] {answer.headline}")
            if answer.question in rows:
                with stage(answer.headline, beat == answer.question):
                    live_chart(
                        gaps(rows[answer.question]),
                        key=f"gaps-{answer.question}",
                        alt=" ".join(answer.sentences),
                        filename=answer.question,
                    )
            _sentences(answer)
    if report.not_counted:
        st.caption(report.not_counted)


def _sentences(answer: Verdict) -> None:
    st.markdown("\n".join(f"- {sentence}" for sentence in answer.sentences))


def _reveal(report: Report) -> None:
    """The guess and the outcome."""
    guess = Guess.read(st.query_params.get("guess", ""))
    if guess == Guess() or report.ends.empty:
        return
    means = report.ends.groupby("network")["train_error"].mean()
    lines = []
    if guess.lowest:
        lowest = str(means.idxmin())
        right = "You were right" if guess.lowest == lowest else f"It was {lowest}"
        mine = in_markdown(guess.lowest)
        lines.append(f"Lowest training error, your guess: {mine}. {right}, at {wording.percent(means.min())}.")
    rows = report.gaps[report.gaps["question"] == "degradation"]
    if guess.points is not None and len(rows):
        row = rows.iloc[-1]
        lines.append(
            f"{row['network']} above {row['against']}, "
            + wording.minus(f"your guess: {guess.points:+g} points. Measured: {100 * row['gap']:+.1f}.")
        )
    st.info("  \n".join(lines), icon=":material/psychology_alt:")
