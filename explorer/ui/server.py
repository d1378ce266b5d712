"""Tasks of the server process besides the pages: the chart script, the training queue, preloaded imports."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import anyio

from explorer.compute.client import compute
from explorer.compute.functions import devices, preparation
from explorer.errors import ExplorerError
from explorer.ui.widgets.live_chart import chart_script_route

OPENED_NEXT = ("explorer.ui.responses.trained", "explorer.ui.attributions.views", "explorer.ui.evaluate.views")

routes = [chart_script_route()]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Once per process: preload the pages' imports, and start an experiment left in the queue."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, _quietly(_warm_up))
        try:
            yield
        finally:
            compute.close()


def _warm_up() -> None:
    """Import pandas, scipy and plotly, which takes a second or two, while the browser opens; then what pages need."""
    from explorer import figures
    from explorer.runs.tidying import tidy
    from explorer.training.launch import start_next

    tidy()
    figures.race  # noqa: B018 imported at first use
    start_next()
    _prepare()
    for name in OPENED_NEXT:
        import_module(name)


def _prepare() -> None:
    """Let the PyTorch process answer small questions about the networks that pages show first."""
    from explorer.ui.widgets.network_choice import first_shown

    compute.prepare(devices.device_facts)
    for each in first_shown():
        for function in (preparation.evaluate, preparation.respond, preparation.explain):
            compute.prepare(function, each.reference(None), each.data)


def _quietly(action: Any) -> Any:
    def run() -> None:
        try:
            action()
        except ExplorerError as error:  # the pages show it too
            logging.getLogger(__name__).warning("%s", error)

    return run
