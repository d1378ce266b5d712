"""Device and data sets of this machine."""

import streamlit as st

from explorer.compute.client import compute
from explorer.compute.functions import devices
from explorer.data.catalogue import DATASETS, data_status
from explorer.machine import available_memory, total_memory
from explorer.results import DeviceFacts
from explorer.ui.navigation import page
from explorer.ui.widgets.data_choice import built_in
from explorer.ui.widgets.waiting import show_result


def machine() -> None:
    """Cards of device and data sets; what needs PyTorch appears some seconds later."""
    with st.container(border=True):
        st.markdown("#### :material/memory: This machine")
        st.markdown(f"{total_memory() / 2**30:.0f} GiB memory, {available_memory() / 2**30:.0f} free")
        show_result(compute.ask(devices.device_facts), ":gray[Asking PyTorch for the device ...]", _device)
    with st.container(border=True):
        st.markdown("#### :material/dataset: Data")
        shown = built_in()
        for name in shown:
            row, available = DATASETS[name], data_status(name).available
            state = ":green-badge[:material/check: ready]" if available else ":gray-badge[not downloaded]"
            st.markdown(
                f"**{row.title}** {state}  \n{row.train_images + row.test_images:,} images, {len(row.classes)} classes"
            )
        if others := [row.title for name, row in DATASETS.items() if name not in shown]:
            st.caption(f"To download: {', '.join(others)}.")
        st.page_link(page("data"), label="To the Data page", icon=":material/arrow_forward:")


def _device(facts: DeviceFacts) -> None:
    what = "the CPU" if facts.device == "cpu" else f"{facts.name} ({facts.device})"
    cores = f" with all {facts.cores} cores" if facts.device == "cpu" else ""
    gain = " where that is faster" if facts.precision == "bf16" else ""
    st.markdown(f"Training runs on **{what}**{cores}, in **{facts.precision}**{gain}.")
    st.caption(f"{facts.name} · PyTorch {facts.torch} · Python {facts.python}")
