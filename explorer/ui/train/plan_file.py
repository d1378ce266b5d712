"""A plan file from elsewhere, such as a student's part of an assignment, started as it is."""

import streamlit as st

from explorer.escaping import in_markdown
from explorer.training.launch import start_all
from explorer.training.plan import Plan
from explorer.training.sweep import parse_sweep
from explorer.ui import cached
from explorer.ui.errors import readable_errors

MOST_LISTED = 8  # plans of a file


def plan_file_button() -> None:
    """A button that opens the choice of a plan file and starts what it plans."""
    with st.popover("Plan file", icon=":material/assignment:", help="A file that your teacher gave you, or any plan."):
        given = st.file_uploader("Plan file (YAML or JSON)", type=["yaml", "yml", "json"], key="plan_file")
        if given is None:
            st.caption("It is what `python -m explorer train --from` takes. Its settings are used as they are.")
            return
        with readable_errors():
            plans, where = parse_sweep(given.getvalue(), given.name)
            for plan in plans[:MOST_LISTED]:
                st.markdown(_sentence(plan))
            if len(plans) > MOST_LISTED:
                st.markdown(f"and {len(plans) - MOST_LISTED} more experiments.")
            if st.button("Start", type="primary", icon=":material/play_arrow:", key="plan_file_start"):
                started = start_all(plans, where)
                cached.forget()
                st.query_params.from_dict({"experiment": started[0]})
                st.rerun()


def _sentence(plan: Plan) -> str:
    seeds = f"seed{'s' if len(plan.seeds) > 1 else ''} {', '.join(map(str, plan.seeds))}"
    return (
        f"**{in_markdown(plan.display_title())}**: {', '.join(plan.networks)}, {seeds}, {plan.recipe.steps:,} steps on "
        f"{in_markdown(plan.dataset.title)}."
    )
