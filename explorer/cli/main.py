"""The command line: all commands, and the handling of their errors."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tyro.conf import FlagCreatePairsOff
from tyro.extras import SubcommandApp

from explorer.cli import (
    attributions,
    blocks,
    checkpoints,
    construct,
    data,
    degradation,
    describe,
    evaluate,
    export,
    facts,
    inside,
    landscape,
    layers,
    lesson,
    probes,
    report,
    runs,
    train,
)
from explorer.cli.app import open_app
from explorer.cli.numbers import NUMBERS, WRONG_USAGE, WrongNumber
from explorer.cli.output import message
from explorer.errors import ExplorerError, one_line, quoted
from explorer.files import os_error_message

PROGRAM = "python -m explorer"
INSTALLED = "resnet-explorer"  # the command installed by pip
INTERRUPTED = 130  # exit code after Ctrl-C, as in shells

app = SubcommandApp()
app.command(name="app")(open_app)
app.command(facts.networks)
app.command(describe.describe)
app.command(describe.diff)
app.command(facts.device)
app.command(data.app, name="data", help="The data sets on this machine: status, download, verify, add, remove.")
app.command(train.train)
app.command(checkpoints.load)
app.command(checkpoints.app, name="checkpoints", help="Checkpoints on this machine: list, import, export, delete.")
app.command(construct.app, name="construct", help="Networks constructed from trained ones: identity.")
app.command(degradation.app, name="degradation", help="Does depth hurt? Run a calibrated experiment, get the verdict.")
app.command(lesson.lesson)
app.command(report.report)
app.command(evaluate.evaluate)
app.command(export.code)
app.command(name="export-onnx")(export.export_onnx)
app.command(layers.responses)
app.command(layers.gradients)
app.command(layers.ledger)
app.command(layers.xray)
app.command(layers.shattering)
app.command(blocks.operate)
app.command(blocks.lesion)
app.command(blocks.shuffle)
app.command(name="shortcut-strength")(blocks.shortcut_strength)
app.command(blocks.critical)
app.command(probes.probe)
app.command(probes.cka)
app.command(name="cka-pitfall")(probes.cka_pitfall)
app.command(probes.paths)
app.command(landscape.landscape)
app.command(landscape.refine)
app.command(inside.block)
app.command(inside.contributions)
app.command(inside.filters)
app.command(inside.exciting)
app.command(attributions.methods)
app.command(attributions.attribute)
app.command(name="attribute-check")(attributions.check)
app.command(name="attribute-agreement")(attributions.agreement)
app.command(runs.app, name="runs", help="Experiments and runs: list, show, pause, resume, stop, mend, export, ...")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; None takes those of the process.

    Returns:
        The exit code: 0, 1 after an error printed in one line, 130 after Ctrl-C. Wrong usage and --help leave
        through SystemExit.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for each in given:
        if "\0" in each:
            message(f"error: {quoted(each)} has a NUL character, which no name and no path can have. Leave it out.")
            raise SystemExit(WRONG_USAGE)
    try:
        code: int = app.cli(
            prog=INSTALLED if Path(sys.argv[0]).stem == INSTALLED else PROGRAM,
            description="Build any ResNet, train plain and residual networks, and look at what the shortcuts change.",
            args=given,
            config=(FlagCreatePairsOff,),
            registry=NUMBERS,
        )
        sys.stdout.flush()
    except WrongNumber as error:
        message(f"error: {one_line(error)}")
        raise SystemExit(WRONG_USAGE) from None
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ExplorerError, OSError) as error:
        message(f"error: {one_line(os_error_message(error) if isinstance(error, OSError) else error)}")
        return 1
    except UnicodeEncodeError as error:
        message(
            f"error: {quoted(error.object)} cannot be written as {error.encoding}. Take characters that can; for a "
            "terminal, set PYTHONIOENCODING=utf-8."
        )
        return 1
    return code
