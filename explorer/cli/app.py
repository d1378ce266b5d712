"""The command that opens the app."""

import subprocess
import sys

from explorer.errors import ExplorerError
from explorer.files import APP
from explorer.settings import require_between


def open_app(*, port: int = 8501) -> int:
    """Open the app in a browser; Ctrl-C ends the app, but not trainings.

    Args:
        port: of the address, http://127.0.0.1:PORT.
    """
    require_between("port", port, 1, 65_535)
    script = APP / "streamlit_app.py"
    if not script.is_file():
        raise ExplorerError(f"{script} is missing. Install the package again.")
    return subprocess.call([sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)])
