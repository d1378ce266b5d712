"""What the server process does beside the pages: serve the chart script, start what waits in the queue, warm up."""

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
    """Once per process: what the pages import is fetched, and an experiment that waits since the last time started."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, _quietly(_warm_up))
        try:
            yield
        finally:
            compute.close()


def _warm_up() -> None:
    """Pandas, scipy and plotly take a second or two to import: done while the browser is still opening."""
    from explorer import figures
    from explorer.runs.tidying import tidy
    from explorer.training.launch import start_next

    tidy()
    figures.race  # noqa: B018 fetched at its first use
    start_next()


def _quietly(action: Any) -> Any:
    def run() -> None:
        try:
            action()
        except ExplorerError as error:  # the pages show it to those who can mend it
            logging.getLogger(__name__).warning("%s", error)

    return run
