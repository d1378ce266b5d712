"""The plan of the degradation lab: a preset, changed where wanted, and a guess at the outcome."""

from dataclasses import dataclass

import streamlit as st

from explorer import glossary, labels
from explorer.models.names import LONGEST_NAME
from explorer.studies.degradation import plan_confounds
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS, at_depths
from explorer.ui.address import number_in
from explorer.ui.errors import readable_errors
from explorer.ui.widgets.caveats import CHOSEN_PLAN, show_caveats
from explorer.ui.widgets.number_field import number_field
from explorer.ui.widgets.plan_fields import Fields, plan_of
from explorer.ui.widgets.start import start_panel

CHANGED = "Changed: the time and the outcome of the preset are those of other networks or settings."
POINTS = (-100.0, 100.0)
DEPTHS = (8, 20, 32, 44, 56, 110)


@dataclass(frozen=True, slots=True)
class Guess:
    """What the reader expects of the race, kept in the address so that a reload does not lose it.

    Attributes:
        lowest: network that ends with the lowest training error; empty for no guess.
        points: by which the deepest plain network ends above the shallowest; None for no guess.
    """

    lowest: str = ""
    points: float | None = None

    def text(self) -> str:
        return f"{self.lowest}~{'' if self.points is None else f'{self.points:g}'}"

    @classmethod
    def read(cls, text: str) -> "Guess":
        lowest, _, points = text.partition("~")
        return cls(lowest[:LONGEST_NAME], number_in(points, *POINTS, fraction=True))


def setup_popover(experiment_id: str) -> None:
    """A button that opens `setup`; a plan that is proposed elsewhere opens it too.

    Args:
        experiment_id: the one shown; for another one it is closed again.
    """
    key = f"setup-{experiment_id}"
    proposed = st.session_state.get(CHOSEN_PLAN)
    if proposed is not st.session_state.get("plan_seen"):
        st.session_state.plan_seen = proposed
        if proposed is not None and not st.session_state.get(key):
            st.session_state[key] = True
            st.toast("The proposed plan is at the top of the page, under *Run your own*.", icon=":material/build:")
    with st.popover("Run your own", icon=":material/play_arrow:", width="stretch", key=key, on_change="rerun"):
        setup()


def setup() -> None:
    """Plan, guess and caveats; start beside them."""
    left, right = st.columns(2)
    with left:
        proposed: Plan | None = st.session_state.get(CHOSEN_PLAN)
        plan = proposed
        if proposed is not None:
            _proposal(proposed)
        else:
            with readable_errors():
                plan = _preset_plan()
        if plan is None:
            return
    with readable_errors():
        with left:
            guess = _guess(plan)
            show_caveats(plan_confounds(plan), plan, key="before")
        query = {"guess": guess.text()} if guess != Guess() else {}
        with right:
            start_panel(plan, opens="degradation", **query)


def _proposal(plan: Plan) -> None:
    """A plan that was chosen by the remedy of a caveat."""
    st.markdown("#### Proposed plan")
    st.markdown(", ".join(plan.networks))
    st.caption(
        f"Seeds {', '.join(map(str, plan.seeds))}. Learning rate {plan.recipe.learning_rate:g}, "
        f"{labels.value(plan.recipe.schedule)} schedule, warm-up {plan.recipe.warmup_steps:,} steps."
    )
    st.button(
        "Back to the presets",
        icon=":material/arrow_back:",
        key="back_to_presets",
        on_click=_forget_proposal,
        type="tertiary",
    )


def _forget_proposal() -> None:
    del st.session_state[CHOSEN_PLAN]


def _preset_plan() -> Plan:
    name = str(
        st.radio(
            "Budget",
            list(PRESETS),
            format_func=lambda key: f"**{PRESETS[key].title}**: {PRESETS[key].time}",
            key="lab",
            bind="query-params",
            help="Times measured on two CPU cores.",
        )
    )
    preset = PRESETS[name]
    note = st.empty()
    fields = Fields(f"lab_{name}", preset)
    usual = preset.plan.recipe
    with st.expander("Depths, seeds, budget", icon=":material/tune:"):
        own = sorted({config.depth for config in preset.plan.network_configs()})
        depths = st.pills(
            "Depths",
            DEPTHS,
            selection_mode="multi",
            default=own,
            help=glossary.explain("depth"),
            **fields.bound("depths"),
        )
        seeds = fields.whole(
            "Seeds", "seeds", len(preset.plan.seeds), 1, 20, help=glossary.explain("seed", note="Runs per network.")
        )
        changed = fields.settings("steps", "learning_rate", "schedule", "warmup_steps")
    recipe = usual.model_dump() | changed
    networks = preset.plan.networks if sorted(depths) == own else at_depths(preset.plan.networks, sorted(depths))
    same = recipe == usual.model_dump() and networks == preset.plan.networks
    title = preset.plan.title if same else ""
    note.caption(preset.note if same and seeds == len(preset.plan.seeds) else CHANGED)
    return plan_of(
        {"networks": networks, "data": preset.plan.data, "recipe": recipe, "seeds": range(seeds), "title": title,
         "problems": fields.problems}
    )  # fmt: skip


def _guess(plan: Plan) -> Guess:
    plain = sorted((c for c in plan.network_configs() if c.kind == "plain"), key=lambda config: config.depth)
    with st.container(border=True):
        kept = "It is kept in the address of the page and shown with the outcome."
        lowest = st.selectbox(
            ":material/psychology_alt: **Guess first**: lowest training error",
            plan.networks,
            index=None,
            placeholder="no guess",
            key="guess_lowest",
            help=kept,
        )
        points = None
        if len(plain) > 1:
            points = number_field(
                f"Points of {plain[-1].name} above {plain[0].name}",
                *POINTS,
                None,
                key="guess_points",
                fraction=True,
                step=1.0,
                placeholder="no guess; negative: below",
            )
    return Guess(lowest or "", points)
