"""The proof by construction: a deeper network that computes what a shallower one does."""

from statistics import fmean

import streamlit as st

from explorer.compute.client import compute
from explorer.compute.functions import identity
from explorer.models.catalogue import network_config
from explorer.results import Construction
from explorer.runs.experiments import Experiment
from explorer.runs.store import Run
from explorer.studies import commands
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.ui.names import network_name
from explorer.ui.widgets.start import start_and_open
from explorer.ui.widgets.waiting import show_result
from explorer.ui.wording import percent

USUAL_SOURCE, USUAL_DEPTH = 20, 56  # as in figure 6 of the paper
STEPS = 200  # of further training: enough to see a trend
RATE = 0.01  # a tenth of the paper's: the network is trained already


def construction(found: Experiment) -> None:
    """Choose a trained plain network, deepen it with identity layers, compare, continue training."""
    st.markdown(
        "A better deep network exists: take a trained shallow one and insert identity layers. It is deep, and exactly "
        "as good as the shallow one. That training from scratch finds nothing as good is what degradation means (He et "
        "al. 2015, section 1)."
    )
    trained = {
        run.id: run for run in found.runs if run.facts and run.facts.network.kind == "plain" and _has_weights(run)
    }
    if not trained:
        st.caption("This experiment has no finished plain network with weights. Choose another one above.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        usual = next((place for place, run in enumerate(trained.values()) if _depth(run) == USUAL_SOURCE), 0)
        source = st.selectbox(
            "Trained network",
            list(trained),
            index=usual,
            format_func=lambda each: network_name(trained[each]),
            key="source",
            width=240,
        )
        own = _depth(trained[source])
        deeper = [depth for depth in (20, 32, 44, 56, 110) if depth > own]
        usual = deeper.index(USUAL_DEPTH) if USUAL_DEPTH in deeper else 0
        depth = st.selectbox("Deepen to", deeper, index=usual, format_func=lambda d: f"{d} layers", key="to", width=150)
        asked = st.button("Insert identity layers", type="primary", icon=":material/layers:", key="construct")
    key = f"constructed-{source}-{depth}"
    if asked:
        st.session_state[key] = True
    if st.session_state.get(key):
        waiting = ":gray[:material/hourglass_top: Constructing the network, comparing both on images ...]"
        show_result(compute.ask(identity.identity, source, depth), waiting, lambda made: _comparison(found, made))


def _comparison(found: Experiment, made: Construction) -> None:
    """Errors of source, constructed and trained network, and a button to continue training."""
    scratch = [
        (run.progress.train_error, run.progress.test_error) for run in found.runs
        if run.facts and run.facts.network.name == made.network and run.progress.step == run.steps
        and run.progress.train_error is not None and run.progress.test_error is not None
    ]  # fmt: skip
    columns = st.columns(3, gap="medium")
    with columns[0]:
        st.metric(f"{made.source_network}, trained", percent(made.source_train_error), border=True)
        st.caption(f"Training error. Test error {percent(made.source_test_error)}.")
    with columns[1]:
        st.metric(f"{made.network}, constructed from it", percent(made.train_error), border=True)
        st.caption(f"Training error. Test error {percent(made.test_error)}.")
    with columns[2]:
        if scratch:
            train, test = (fmean(errors) for errors in zip(*scratch, strict=True))
            st.metric(f"{made.network}, trained from scratch", percent(train), border=True)
            runs = f"mean of {len(scratch)} runs" if len(scratch) > 1 else "one run"
            st.caption(f"Training error, {runs}. Test error {percent(test)}.")
        else:
            st.metric(f"{made.network}, trained from scratch", "–", border=True)
            st.caption("This experiment has not trained one.")
    st.markdown(
        f"{made.inserted_blocks} blocks of identity layers were inserted. Over {made.images:,} test images the "
        f"largest difference between any two outputs is **{made.largest_difference:.1e}**: rounding, nothing else. "
        "All errors are those of finished weights on images without augmentation; the first two networks are measured "
        "on the same fixed samples."
    )
    st.code(commands.identity(made.source, network_config(made.network).depth), "bash")
    if st.button(
        f"Continue training the constructed {made.network}",
        icon=":material/play_arrow:",
        key="train_on",
        help=f"{STEPS} steps at a learning rate of {RATE:g}, falling to zero; it may become better than its source.",
    ):
        facts = next(run.facts for run in found.runs if run.facts)
        gentle = {"steps": STEPS, "learning_rate": RATE, "schedule": "cosine", "warmup_steps": 0}
        recipe = Recipe(**facts.recipe | gentle)
        title = f"{made.network} constructed from {made.source_network}, training continued"
        plan = Plan(networks=(made.network,), data=found.data, recipe=recipe, initial=made.id, title=title)
        start_and_open(plan, "train")


def _has_weights(run: Run) -> bool:
    return (run.path / "checkpoint.safetensors").exists()


def _depth(run: Run) -> int:
    assert run.facts is not None
    return run.facts.network.depth
