"""A process that knows nothing of the pages: runs the Python and the commands that they hand out, one line each."""

import contextlib
import io
import json
import os
import shlex
import sys
from pathlib import Path

import plotly.graph_objects as go

from explorer.cli.main import main
from explorer.runs import store

go.Figure.show = lambda figure: None  # would open a browser


def python(code):
    """The table of the lines of code as CSV."""
    names = {}
    exec(compile(code, "<handed out>", "exec"), names)
    return names["table"].to_csv(index=False)


def shell(command, *options):
    """What the command prints."""
    printed = io.StringIO()
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "explorer"]
    with contextlib.redirect_stdout(printed):
        code = main([*words[3:], *options])
    assert code == 0, printed.getvalue()
    return printed.getvalue()


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is printed by chance is no answer
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.update(asked["environment"])
        store.SHIPPED = Path(asked["shipped"])
        try:
            answer = {"python": python(asked["python"]), "shell": shell(asked["command"], *asked["options"])}
        except (Exception, SystemExit) as error:  # noqa: BLE001 told to the test
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
