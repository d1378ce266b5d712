"""JupyterLab as `make lab` opens it: a notebook that trains, is interrupted, and goes on."""

import os
import signal
import subprocess
from contextlib import contextmanager

import psutil
import pytest

from tests.browser.conftest import PROJECT, free_port, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(400)]

NOTEBOOK = """\
# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %%
import explorer
recipe = explorer.Recipe(steps=1000, batch_size=64, evaluate_images=100)
result = explorer.watch(explorer.train("resnet8-w4", "digits", recipe))

# %%
result = result.resume()

# %%
explorer.build("resnet20")
"""
POINTS = "[...document.querySelectorAll('path.line')].map((line) => line.getAttribute('d').split('L').length)[0] ?? 0"
QUIET = ("DATA_DIR", "CONFIG_DIR", "RUNTIME_DIR")


@contextmanager
def lab(folder):
    """JupyterLab in a folder, by the target of the Makefile; gives its address. Server and kernels end with it."""
    port = free_port()
    own = {f"JUPYTER_{name}": str(folder / ".jupyter" / name) for name in QUIET}
    own |= {f"JUPYTERLAB_{name}_DIR": str(folder / ".jupyter" / name) for name in ("WORKSPACES", "SETTINGS")}
    own |= {"IPYTHONDIR": str(folder / ".ipython"), "EXPLORER_HOME": str(folder / "runs"), "OMP_NUM_THREADS": "1"}
    options = "--no-browser --allow-root --IdentityProvider.token=token --ServerApp.port_retries=0"
    # The environment is there already: it is not made anew where a file of requirements is newer.
    command = ["make", "-o", ".venv/.requirements-installed", "lab", f"PORT={port}", f"NOTEBOOKS={folder}"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"ARGS={options}"], cwd=PROJECT, env=os.environ | own, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/api", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        started = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGTERM)
        _, left = psutil.wait_procs(started, timeout=20)
        for each in left:
            each.kill()
        process.wait(timeout=20)
    assert not left


def begin(tab, cell):
    """Run a cell by its key, which JupyterLab takes only once its own start has left the focus alone."""
    prompt = cell.locator(".jp-InputPrompt")
    for _ in range(10):
        prompt.click()
        tab.keyboard.press("Shift+Enter")
        for _ in range(20):
            if prompt.inner_text().strip("[]: "):
                return
            tab.wait_for_timeout(500)
    pytest.fail(f"the cell does not begin: {prompt.inner_text()}")


def test_a_training_in_a_cell_grows_is_interrupted_and_goes_on(chromium, tmp_path):
    (tmp_path / "live.py").write_text(NOTEBOOK)
    with lab(tmp_path) as address:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        tab = context.new_page()
        tab.set_default_timeout(120_000)
        unknown = tab.locator("dialog.jp-Dialog", has_text="Select Kernel")  # JupyterLab may ask when it has just begun
        tab.add_locator_handler(unknown, lambda asked: asked.locator(".jp-mod-accept").click())
        trouble = []
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        tab.goto(f"{address}/lab?token=token&reset")
        tab.locator(".jp-DirListing-item", has_text="live.py").dblclick()  # opens as a notebook, not as a text
        cells = tab.locator(".jp-Notebook .jp-CodeCell")
        tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        begin(tab, cells.first)
        tab.wait_for_function(f"{POINTS} > 5")
        points = tab.evaluate(POINTS)
        tab.wait_for_function(f"{POINTS} > {points} + 2")  # it grows
        tab.keyboard.press("i")
        tab.keyboard.press("i")
        first, second = cells.nth(0).locator(".jp-Cell-outputArea"), cells.nth(1).locator(".jp-Cell-outputArea")
        first.get_by_text("Stopped between two steps. What was trained is kept").wait_for()
        first.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()  # the figure is there
        begin(tab, cells.nth(1))
        second.get_by_text("Finished.").wait_for()
        assert "1,000 of 1,000" in second.inner_text()
        second.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()
        begin(tab, cells.nth(2))
        cells.nth(2).locator(".jp-Cell-outputArea").get_by_text("residual, 20 layers").wait_for()
        context.close()
    assert not trouble
