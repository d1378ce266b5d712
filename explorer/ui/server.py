"""What the server does besides running pages: their addresses, the chart script, the queue, preloaded imports."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from starlette.responses import HTMLResponse
from starlette.routing import Route
from streamlit.file_util import get_static_dir

from explorer.compute.client import compute
from explorer.compute.functions import attributions, devices, evaluations, layers
from explorer.errors import ExplorerError
from explorer.ui.navigation import PAGES
from explorer.ui.widgets.chart_script import chart_script_route

# Without it a page opened by its address looks for the server below itself first (/train/_stcore/health): two answers
# 404 in the browser's console, and a tenth of a second.
SERVER_ADDRESS = '<script>window.__streamlit = {BACKEND_BASE_URL: new URL(".", location.href).href}</script>'


def _page_route(name: str, html: str) -> Route:
    async def shell(request: Any) -> HTMLResponse:
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    return Route(f"/{name}", shell)


def page_routes() -> list[Route]:
    """The addresses of the pages: Streamlit's own index.html, which also says where the server is."""
    index = (Path(get_static_dir()) / "index.html").read_text(encoding="utf-8")
    html = index.replace("<head>", f"<head>{SERVER_ADDRESS}", 1)
    return [_page_route(name, html) for name in PAGES if name != "home"]  # whose address is /


routes = [chart_script_route(), *page_routes()]


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
    compute.prepare(devices.device_facts)  # first of all, for Home: it imports PyTorch
    _prepare()
    _read_ahead()


def _read_ahead() -> None:
    """Ask what the Degradation page asks about the experiment it shows first: of 500 runs that takes seconds."""
    from explorer.runs.experiments import list_experiments
    from explorer.ui import cached
    from explorer.ui.degradation.lab import first_shown
    from explorer.ui.widgets.inside import probed_runs

    found = {each.id: each for each in list_experiments() if each.runs[0].facts is not None}
    if found and not (first := found[first_shown(found)]).active:
        cached.read_ahead(first, probed_runs(first))


def _prepare() -> None:
    """Import the pages that show networks, and ask what they ask first."""
    from explorer.attribution.question import Question
    from explorer.ui.attributions import method_choice
    from explorer.ui.attributions import views as views  # only imported, for its page
    from explorer.ui.evaluate import choice
    from explorer.ui.responses import trained
    from explorer.ui.widgets.network_choice import first_shown

    references = [each.reference(None) for each in first_shown()]
    for reference in references:  # before all maps, which import Captum first
        compute.prepare(layers.response_std, (reference,), data="", images=trained.FIRST_IMAGES, statistics="batch")
    for method in method_choice.USUAL:  # in the order of the page, which shows the first row once it is there
        for reference in references:
            compute.prepare(attributions.attribution_map, reference, "test:0", Question(method))
    for reference in references[:1]:  # the others take seconds
        compute.prepare(evaluations.evaluation, reference, data="", images=choice.FIRST_IMAGES, crops=1)


def _quietly(action: Any) -> Any:
    def run() -> None:
        try:
            action()
        except ExplorerError as error:  # the pages show it too
            logging.getLogger(__name__).warning("%s", error)

    return run
