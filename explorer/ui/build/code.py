"""Export of a network: standalone PyTorch code, and ONNX."""

import atexit
import re
import shutil
from pathlib import Path

import streamlit as st

from explorer.compute.client import compute
from explorer.compute.functions import onnx_files
from explorer.files import storage_errors, temporary_place
from explorer.models.catalogue import network_config
from explorer.models.code.network import standalone_code
from explorer.models.config import NetworkConfig
from explorer.results import OnnxFile
from explorer.scratch import temporary_folder
from explorer.ui.build.choice import BuildChoice
from explorer.ui.widgets.take_along import download
from explorer.ui.widgets.waiting import show_result


def show_code(choice: BuildChoice) -> None:
    """The code of each network, to copy or download, and its ONNX file on request."""
    for config in dict.fromkeys(choice.configs):
        code = standalone_code(config)
        with st.container(border=True):
            st.markdown(f"**{config.name}** as standalone PyTorch code")
            with st.container(horizontal=True, vertical_alignment="center"):
                download("Code (.py)", code, f"{re.sub(r'[-.]', '_', config.name)}.py", "code")
                _onnx(config, choice.image_size)
            st.code(code, language="python", height=520)


def _onnx(config: NetworkConfig, image_size: int) -> None:
    """A button that exports the network, then one that downloads the file."""
    if config != network_config(config.name):
        usual = network_config(config.name).classes
        st.caption(f"ONNX export takes a network by its name, so only with {usual:,} classes.")
        return
    key = f"onnx-{config.name}-{image_size}"
    if not st.session_state.get(key):
        if st.button(
            "Export ONNX", icon=":material/deployed_code:", key=f"make-{key}",
            help="The untrained network, for programs without PyTorch; takes some seconds. For a trained one: "
            "`python -m explorer export-onnx`.",
        ):  # fmt: skip
            st.session_state[key] = True
            st.rerun()
        return
    path = _folder() / f"{config.name}-{image_size}.onnx"
    call = compute.ask(onnx_files.export_onnx, config.name, path, image_size=image_size)
    show_result(call, ":gray[:material/hourglass_top: Tracing the network ...]", _download)


def _download(found: OnnxFile) -> None:
    download(f"ONNX ({found.bytes / 1e6:.1f} MB)", found.path.read_bytes, found.path.name, "download")


@st.cache_resource(show_spinner=False)
def _folder() -> Path:
    """For files until they are downloaded; deleted when the server ends."""
    with storage_errors(temporary_place() / "explorer-onnx"):
        folder = temporary_folder(temporary_place(), "explorer-onnx")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
