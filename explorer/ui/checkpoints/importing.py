"""Importing weights: an uploaded file, one on this machine, or torchvision's by name."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from explorer.compute.client import Call, compute
from explorer.compute.functions import importing, torchvision
from explorer.data.normalisations import NORMALISATIONS
from explorer.escaping import in_markdown, message_in_markdown
from explorer.results import Imported
from explorer.ui import wording
from explorer.ui.checkpoints.table import OUTCOME, select
from explorer.ui.errors import readable_errors, show_error
from explorer.ui.widgets.data_choice import built_in, folder_labels
from explorer.ui.widgets.waiting import awaited
from explorer.weights.torchvision import WEIGHTS, WeightsRow
from explorer.weights.uploads import remove_upload, write_upload

SOURCES = {"upload": "Upload", "path": "Path", "torchvision": "torchvision"}
GONE = "The app was restarted after this file was chosen, and no longer has it. Choose the file again."
MOST_MEGABYTES = 1024  # what `weights.reading` reads

# In the session state: the running `Job`, and the last one that brought a checkpoint
JOB, DONE = "import_job", "imported_job"
IMPORTS = "imports"  # how many imports have ended


@dataclass(frozen=True, slots=True)
class Job:
    """An import: `weights` of torchvision by name, else the file at `path`; empty fields are inferred.

    Attributes:
        temporary: whether the file is an upload, which is removed when it is no longer needed.
        chosen: a set of weights in the file; None lets the program choose.
        replaces: whether it takes the place of a checkpoint of the same name, of an earlier choice.
    """

    title: str
    path: str
    temporary: bool = False
    weights: str = ""
    network: str = ""
    data: str = ""
    normalisation: str = ""
    name: str = ""
    classes: str = ""
    head: str = ""
    chosen: str | None = None
    replaces: bool = False

    def call(self) -> Call[Imported]:
        if self.weights:
            return compute.ask(torchvision.load_pretrained, self.weights, self.path or None)
        return compute.ask(
            importing.import_checkpoint, self.path, network=self.network, data=self.data,
            normalisation=self.normalisation, name=self.name, head=self.head,
            classes=tuple(each.strip() for each in self.classes.split(",")) if self.classes else (),
            weights=self.chosen, overwrite=self.replaces,
        )  # fmt: skip


def import_form() -> None:
    """Fields for an import, and why the last one failed."""
    st.markdown("#### Import weights")
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
        show_error(failure)


def follow() -> None:
    """Wait for the running import, if any; one that was left begins again."""
    job: Job | None = st.session_state.get(JOB)
    if job is None:
        return
    if job.temporary and not Path(job.path).exists():
        del st.session_state[JOB]
        st.session_state[OUTCOME] = (None, GONE)
        st.rerun()
    (call,) = awaited([job.call()], f"Importing {in_markdown(job.title)}")
    failure = "" if call.cancelled else str(call.failure or "")
    compute.forget_all()  # of a checkpoint of this name before, and the import itself
    del st.session_state[JOB]
    st.session_state[IMPORTS] = st.session_state.get(IMPORTS, 0) + 1
    before: Imported | None = st.session_state.get(OUTCOME, (None, ""))[0]
    if call.failure is None:
        value = call.value
        if job.replaces and job.network and before is not None:
            value = replace(value, candidates=before.candidates)  # one of them was named, so none were measured
        st.session_state[OUTCOME] = (value, "")
        _keep_file(job, wanted=bool(value.other_weights or value.candidates))
        select(call.value.id)
    elif job.replaces:  # what was imported before is still there, and so is its file
        st.session_state[OUTCOME] = (before, failure)
    else:
        st.session_state[OUTCOME] = (None, failure)
        _keep_file(job, wanted=False)
    st.rerun()


def _keep_file(job: Job, *, wanted: bool) -> None:
    """Keep an uploaded file while other weights of it may be chosen; remove it and the one before it otherwise."""
    before: Job | None = st.session_state.pop(DONE, None)
    for each in (before, job):
        if each is not None and each.temporary and not (wanted and each.path == job.path):
            remove_upload(Path(each.path))
    if wanted:
        st.session_state[DONE] = job


def _file(*, upload: bool) -> None:
    given, path = None, ""
    if upload:
        given = st.file_uploader(
            "A file of torch.save (.pt, .pth, .th, .ckpt) or .safetensors",
            max_upload_size=MOST_MEGABYTES,
            key="weights_file",
            help="ResNets, ResNeXts, Wide ResNets, DenseNets of torchvision, timm and common CIFAR-10 projects.",
        )
    else:
        path = st.text_input(
            "Path", key="weights_path", placeholder="/home/me/resnet56.th",
            help="On the machine where this app runs.",
        )  # fmt: skip
    with st.expander("Details (optional)", icon=":material/tune:"):
        options = _options()
    if upload and given is None and st.session_state.get("weights_file") is not None:  # only its name is left
        st.warning(GONE, icon=":material/warning:")
    if st.button("Import", type="primary", icon=":material/download:", key="import", disabled=not (given or path)):
        with readable_errors():
            if given is not None:
                path = str(write_upload(given.name, given.getbuffer()))
            st.session_state[JOB] = Job(Path(path).name, path, upload, **options)


def _options() -> dict[str, Any]:
    """Facts that are not in the file; empty where they are inferred."""
    network = st.text_input(
        "Network", key="import_network", placeholder="inferred from the weights",
        help="Such as plain20: weights do not show whether there are shortcuts without parameters.",
    )  # fmt: skip
    trained_on = {"": "inferred from classes and channels", **built_in(), **folder_labels()}
    data = st.selectbox(
        "Trained on", list(trained_on), key="import_data", format_func=trained_on.__getitem__,
        help="Folders of your own pictures are added on the Data page.",
    )  # fmt: skip
    normalisation = st.selectbox(
        "Images normalised by", ["", *NORMALISATIONS], key="import_normalisation",
        format_func=lambda kind: NORMALISATIONS[kind].title if kind else "the one with the lowest loss",
    )  # fmt: skip
    name = st.text_input("Name", key="import_name", placeholder="name of the file")
    classes = st.text_input(
        "Classes", key="import_classes", placeholder="those of the data set",
        help="Their names in order, separated by commas, such as no, yes.",
    )  # fmt: skip
    head = st.text_input(
        "Head", key="import_head", placeholder="the only one",
        help="If the weights have several heads, the last layer of the one to take, such as fc.",
    )  # fmt: skip
    given = {"network": network, "data": str(data), "normalisation": str(normalisation), "name": name}
    return given | {"classes": classes, "head": head}


def _torchvision() -> None:
    chosen = st.selectbox("Weights", list(WEIGHTS), format_func=lambda key: _label(WEIGHTS[key]), key="weights_of")
    row = WEIGHTS[str(chosen)]
    st.caption(
        f"Trained on ImageNet; published error {wording.percent(row.error)}, top-5 {wording.percent(row.top5_error)}. "
        + ("torchvision's longer recipe." if row.longer_recipe else "A recipe like those of the papers.")
    )
    path = st.text_input(
        "Local file instead of a download", key="weights_file_path", placeholder=row.file,
        help="On the machine where this app runs; its checksum must be the published one.",
    )  # fmt: skip
    label = "Check and import" if path else f"Download and import ({wording.size(row.bytes)})"
    if st.button(label, type="primary", icon=":material/download:", key="load"):
        st.session_state[JOB] = Job(row.key, path, weights=row.key)


def _label(row: WeightsRow) -> str:
    return f"{row.key} · {wording.size(row.bytes)} · error {wording.percent(row.error)}"


def outcome(shown: str | None) -> None:
    """What was inferred and assumed in the last import, if its checkpoint is the one `shown`."""
    value: Imported | None = st.session_state.get(OUTCOME, (None, ""))[0]
    if value is None or value.id != shown:
        return
    with st.container(border=True):
        error = value.sample_error
        text = "" if error is None else f" Error on {value.sample_images} test images: **{wording.percent(error)}**."
        st.success(f"Imported: {value.network}, {value.classes:,} classes.{text}", icon=":material/check:")
        for warning in value.warnings:
            st.warning(message_in_markdown(warning), icon=":material/warning:")
        st.markdown("\n".join(f"- {message_in_markdown(each)}" for each in value.decisions))
        job: Job | None = st.session_state.get(DONE)
        if value.candidates:
            _candidates(value)
        if job is not None:
            with st.container(horizontal=True):
                if value.other_weights:
                    _choose_again("Weights in the file", [value.weights, *value.other_weights], "chosen", value, job)
                if value.candidates:
                    names = dict.fromkeys([value.network, *(each.network for each in value.candidates)])
                    _choose_again("Network", list(names), "network", value, job)


def _candidates(value: Imported) -> None:
    """The networks with the same weights that were measured, the chosen one first."""
    st.markdown("**Networks with the same weights**")
    rows = [
        {
            "Network": each.network,
            "Difference": each.what or "assumed first",
            "Loss": f"{each.loss:.3g}",
            "Error": wording.percent(each.error).replace(" ", "\N{NO-BREAK SPACE}"),
            "Images": each.images,
        }
        for each in value.candidates
    ]
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt="Loss and error of each network")


def _choose_again(label: str, options: list[str], field: str, value: Imported, job: Job) -> None:
    """A menu whose other choices are imported in place of this one, under the same name."""
    key = f"{field}_of_import_{st.session_state.get(IMPORTS, 0)}"  # a new menu after each import, to show what is there

    def import_again() -> None:
        changes: dict[str, Any] = {field: str(st.session_state[key])}
        if field == "chosen":
            changes["network"] = ""  # of other weights another one may be right
        st.session_state[JOB] = replace(job, name=value.id, replaces=True, **changes)

    st.selectbox(
        label, options, key=key, on_change=import_again, format_func=lambda place: place or "the file itself",
        help="Another choice is imported in place of this one, under the same name.",
    )  # fmt: skip
