"""The worker command on a tether: training pauses when the process that started it has ended.

`python -m explorer.training.tethered EXPERIMENT LANE`, with a pipe as its input.
"""

import os
import runpy
import signal
import sys
import threading


def _pause_at_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not sys.stdin itself, which would be locked when this process ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_pause_at_end_of_input, daemon=True).start()
    runpy.run_module("explorer.training.worker", run_name="__main__")
