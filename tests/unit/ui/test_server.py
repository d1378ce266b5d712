"""What the terminal shows when the app starts."""

import subprocess
import sys


def test_before_the_server_runs_nothing_uses_its_caches():
    """Streamlit warns of that in the terminal of whoever starts the app."""
    code = "import explorer.ui.server, sys; assert 'explorer.ui.cached' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
