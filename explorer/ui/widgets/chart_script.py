"""The script that draws charts, from the installed plotly; nothing is loaded from the internet."""

from pathlib import Path
from typing import Any

import plotly
from starlette.responses import FileResponse
from starlette.routing import Route

SCRIPT = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
SCRIPT_URL = f"explorer-plotly/{plotly.__version__}.js"  # relative, so that it works below a proxy's path


def chart_script_route() -> Route:
    """Its route; browsers keep it for a year, since another version has another address."""

    async def script(request: Any) -> FileResponse:
        return FileResponse(SCRIPT, media_type="text/javascript", headers={"Cache-Control": "public, max-age=31536000"})

    return Route(f"/{SCRIPT_URL}", script)
