"""Bringing weights in: an uploaded file, one on this machine, or torchvision's by name."""

from pathlib import Path
from typing import Any

import streamlit as st

from explorer.compute.client import Answer, pytorch
from explorer.data.catalogue import DATASETS
from explorer.data.normalisations import NORMALISATIONS
from explorer.ui import wording
from explorer.ui.checkpoints.table import select
from explorer.ui.errors import readable_errors
from explorer.ui.widgets import questions
from explorer.weights.torchvision import WEIGHTS, WeightsRow
from explorer.weights.uploads import remove_upload, write_upload

SOURCES = {"upload": "Upload", "path": "Path", "torchvision": "torchvision"}
MOST_MEGABYTES = 1024  # what `weights.reading` reads

# Session state: what is being brought in, as its title and a question; and what came of it
JOB, OUTCOME = "import_job", "import_outcome"


def bring_in() -> None:
    """Fields for what is brought in; why the last could not be."""
    st.markdown("#### Bring in weights")
    source = st.segmented_control(
        "From", SOURCES, format_func=SOURCES.__getitem__, default="upload", required=True, key="from",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    if source == "torchvision":
        _torchvision()
    elif source:
        _file(upload=source == "upload")
    _, failure = st.session_state.get(OUTCOME, (None, ""))
    if failure:
        st.error(wording.said(failure), icon=":material/error:")


def follow() -> None:
    """Wait for what is being brought in, if anything; one that was left in the middle begins anew."""
    job = st.session_state.get(JOB)
    if job is None:
        return
    (answer,) = questions.awaited([_asked(job)], f"Bringing in {wording.escaped(job['title'])}")
    st.session_state[OUTCOME] = (answer.value, "" if answer.cancelled else str(answer.failure or ""))
    pytorch.forget(answer)  # the same file may be brought in again after what it gave was deleted
    del st.session_state[JOB]
    if job.get("temporary"):
        remove_upload(Path(job["path"]))
    if answer.failure is None:
        select(answer.value["id"])
    st.rerun()


def _file(*, upload: bool) -> None:
    given, path = None, ""
    if upload:
        given = st.file_uploader(
            "A file of torch.save (.pt, .pth, .th, .ckpt) or .safetensors",
            max_upload_size=MOST_MEGABYTES,
            key="weights_file",
            help="ResNets, ResNeXts, Wide ResNets, DenseNets of torchvision, timm and the usual projects for CIFAR-10.",
        )
    else:
        path = st.text_input(
            "Path", key="weights_path", placeholder="/home/me/resnet56.th",
            help="On the machine where this app runs.",
        )  # fmt: skip
    with st.expander("What you know of it", icon=":material/tune:"):
        options = _options()
    if st.button("Import", type="primary", icon=":material/download:", key="import", disabled=not (given or path)):
        with readable_errors():
            if given is not None:
                path = str(write_upload(given.name, given.getbuffer()))
            st.session_state[JOB] = {"title": Path(path).name, "path": path, "temporary": upload, "options": options}


def _options() -> dict[str, str]:
    """What the file does not say; empty where it is to be found out."""
    network = st.text_input(
        "Network", key="import_network", placeholder="told from the weights",
        help="Such as plain20: weights do not show whether there are shortcuts without parameters.",
    )  # fmt: skip
    data = st.selectbox(
        "Trained on", ["", *DATASETS], key="import_data",
        format_func=lambda name: DATASETS[name].title if name else "told by classes and channels",
    )  # fmt: skip
    normalisation = st.selectbox(
        "Images normalised by", ["", *NORMALISATIONS], key="import_normalisation",
        format_func=lambda kind: NORMALISATIONS[kind].title if kind else "what gives the lowest loss",
    )  # fmt: skip
    name = st.text_input("Name here", key="import_name", placeholder="that of the file")
    return {"network": network, "data": str(data), "normalisation": str(normalisation), "name": name}


def _torchvision() -> None:
    chosen = st.selectbox("Weights", list(WEIGHTS), format_func=lambda key: _label(WEIGHTS[key]), key="weights_of")
    row = WEIGHTS[str(chosen)]
    st.caption(
        f"Trained on ImageNet; published error {wording.percent(row.error)}, top-5 {wording.percent(row.top5_error)}. "
        + ("torchvision's longer recipe." if row.longer_recipe else "A recipe like those of the papers.")
    )
    path = st.text_input(
        "File here, instead of downloading", key="weights_file_path", placeholder=row.file,
        help="One that is on the machine where this app runs; its checksum must be the published one.",
    )  # fmt: skip
    label = "Check and keep" if path else f"Download and keep ({wording.size(row.bytes)})"
    if st.button(label, type="primary", icon=":material/download:", key="load"):
        st.session_state[JOB] = {"title": row.key, "weights": row.key, "file": path or None}


def _label(row: WeightsRow) -> str:
    return f"{row.key} · {wording.size(row.bytes)} · error {wording.percent(row.error)}"


def _asked(job: dict[str, Any]) -> Answer:
    if "weights" in job:
        return questions.pretrained(job["weights"], job["file"])
    return questions.imported(job["path"], **job["options"])


def outcome(shown: str | None) -> None:
    """What was found out and assumed of the one that came last, where that is the one `shown`."""
    value, _ = st.session_state.get(OUTCOME, (None, ""))
    if value is None or value["id"] != shown:
        return
    with st.container(border=True):
        error = value["sample_error"]
        told = "" if error is None else f" Error on {value['sample_images']} test images: **{wording.percent(error)}**."
        st.success(f"Brought in: {value['network']}, {value['classes']:,} classes.{told}", icon=":material/check:")
        for warning in value["warnings"]:
            st.warning(wording.said(warning), icon=":material/warning:")
        st.markdown("\n".join(f"- {wording.said(each)}" for each in value["decisions"]))
