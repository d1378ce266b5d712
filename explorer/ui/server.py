"""Tasks of the server process besides the pages: the chart script, the training queue, preloaded imports."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from explorer.compute.client import compute
from explorer.errors import ExplorerError
from explorer.ui.widgets.live_chart import chart_script_route

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
    """Import pandas, scipy and plotly, which takes a second or two, while the browser opens."""
    from explorer import figures
    from explorer.runs.tidying import tidy
    from explorer.training.launch import start_next

    tidy()
    figures.race  # noqa: B018 imported at first use
    start_next()


def _quietly(action: Any) -> Any:
    def run() -> None:
        try:
            action()
        except ExplorerError as error:  # the pages show it too
            logging.getLogger(__name__).warning("%s", error)

    return run
