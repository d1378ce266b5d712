"""Other explanations of degradation, each with the measurement that supports or refutes it."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from explorer.compute.client import compute
from explorer.compute.functions import layers
from explorer.figures import gradient_norms
from explorer.models.published import PROTOCOL, published
from explorer.models.size import multiply_adds, parameter_count
from explorer.runs.checkpoint_facts import moments
from explorer.runs.experiments import Experiment
from explorer.studies.degradation import protocol
from explorer.ui import cached
from explorer.ui.degradation.construction import construction
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.take_along import table_download
from explorer.ui.widgets.waiting import show_result
from explorer.ui.wording import minus, percent


def evidence(found: Experiment) -> None:
    """A row of questions; the chosen one opens its measurement."""
    st.markdown("#### Other explanations")
    asked = st.segmented_control(
        "Other explanations",
        list(QUESTIONS),
        format_func=lambda name: QUESTIONS[name][0],
        key="ask",
        bind="query-params",
        label_visibility="collapsed",
    )
    if asked in QUESTIONS:
        with st.container(border=True):
            QUESTIONS[asked][1](found)


def _overfitting(found: Experiment) -> None:
    ends = cached.report(found).ends
    st.markdown(
        "Overfitting would show as a *low* training error beside a high test error. Where a deeper plain network has "
        "the higher **training** error too, it has not learned even the images it was shown."
    )
    if ends.empty:
        st.caption("No network is at the end of its schedule yet.")
        return
    means = ends.groupby("network", sort=False)[["train_error", "test_error"]].mean()
    rows = [
        {
            "Network": name,
            "Training error": percent(row["train_error"]),
            "Test error": percent(row["test_error"]),
            "Test minus training": minus(f"{100 * (row['test_error'] - row['train_error']):+.1f} points"),
        }
        for name, row in means.iterrows()
    ]
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt="Training and test error at the end")
    st.caption(
        "Means over seeds. Training images may be cropped and mirrored, test images are not, so the difference may be "
        "negative."
    )


def _sizes(found: Experiment) -> None:
    st.markdown(
        "A plain network and its residual twin have the same layers; shortcuts of option A add no parameters. Deeper "
        "networks of either kind are larger, so a deeper plain network that trains worse has *more* layers and "
        "parameters."
    )
    configs = {run.facts.network.name: run.facts.network for run in found.runs if run.facts}
    rows = [
        {
            "Network": name,
            "Depth": config.depth,
            "Parameters": f"{parameter_count(config):,}",
            "Multiply-adds, 32×32 image": f"{multiply_adds(config) / 1e6:,.1f} million",
        }
        for name, config in sorted(configs.items(), key=lambda pair: (pair[1].depth, pair[1].kind))
    ]
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt="Size of each network")


def _gradients(found: Experiment) -> None:
    st.markdown(
        "If gradients vanished on their way back, the first layers would get none and could not learn. Here is the "
        "gradient of each layer's weights, the median over five batches of training images, before the first step and "
        "at the end. He et al. 2015, section 4.1, report healthy norms in their plain networks, thanks to batch norm. "
        "Before the first step batch norm can even make gradients *grow* towards the input (Yang et al. 2019, "
        "arXiv 1902.08129); a network that is stuck has small ones later, as an effect, not as the cause."
    )
    key = f"gradients-{found.id}"
    if not st.session_state.get(key):
        if st.button("Measure the gradients", icon=":material/straighten:", key="measure_gradients"):
            st.session_state[key] = True
            st.rerun()
        return
    waiting = ":gray[:material/hourglass_top: Five forward and backward passes through every network ...]"
    show_result(compute.ask(layers.gradient_profile, _first_and_last(found)), waiting, _show_gradients)


def _first_and_last(found: Experiment) -> list[str]:
    """References to the first seed of each network, before the first step and after the last."""
    first_seed = {run.facts.network.name: run for run in reversed(found.runs) if run.facts}
    runs = [first_seed[name] for name in found.networks]
    return [f"{run.id}@{step}" for run in runs for step in dict.fromkeys((0, *moments(run)[-1:]))]


def _show_gradients(table: pd.DataFrame) -> None:
    live_chart(
        gradient_norms(table),
        key="gradient-norms",
        alt="Norm of the loss gradient of each layer, from the first to the last, before and after training.",
        filename="gradient-norms",
    )
    rows = [
        {
            "Network": name,
            "Step": f"{step:,}",
            "First layer": f"{norms.iloc[0]:.2g}",
            "Last convolution": f"{norms.iloc[-2]:.2g}",
            "First / last": f"{norms.iloc[0] / norms.iloc[-2]:.2g}",
        }
        for (step, name), norms in table.groupby(["step", "network"], sort=False)["gradient_norm"]
    ]
    st.table(
        pd.DataFrame(rows), hide_index=True, border="horizontal", alt="Gradient norms of the first and last layers"
    )
    st.caption("A vanishing gradient would show as a first layer many thousand times below the last.")
    table_download(table, "gradients")


def _paper(found: Experiment) -> None:
    table = published()
    if found.data != "cifar10":
        st.markdown("The published numbers are for CIFAR-10; they do not compare with another data set.")
    else:
        ends = cached.report(found).ends
        ours = ends.groupby("network")["test_error"].mean() if len(ends) else pd.Series(dtype=float)
        works = table["source"].str.partition(",")[0]
        rows = []
        for network in dict.fromkeys([*table["network"], *found.networks]):
            row: dict[str, object] = {"Network": network}
            for work in works.unique():
                row[work] = _stated(table[(table["network"] == network) & (works == work)])
            row["Here"] = percent(float(ours[network])) if network in ours else "–"
            rows.append(row)
        st.markdown("Test error on CIFAR-10: published, reimplemented, and in this experiment.")
        st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt="Published and own test errors")
    st.markdown("What differs in the protocol:")
    facts = next(run.facts for run in found.runs if run.facts)
    ours_protocol = protocol(facts)
    rows = [{"": item, "He et al. 2015": theirs, "Here": ours_protocol[item]} for item, theirs in PROTOCOL.items()]
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt="Protocols")


def _stated(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "–"
    row = rows.iloc[0]
    if pd.isna(row["test_error"]):
        return f"training error above {percent(row['above'], 0)}"
    return f"{100 * row['test_error']:.2f} %"


QUESTIONS: dict[str, tuple[str, Callable[[Experiment], None]]] = {
    "overfitting": ("Overfitting?", _overfitting),
    "gradients": ("Vanishing gradients?", _gradients),
    "sizes": ("Different sizes?", _sizes),
    "construction": ("No better solution?", construction),
    "paper": ("And in the paper?", _paper),
}
