"""The process beside the server in which PyTorch computes: calls come in on standard input, answers go out.

Started by `client` as `python -m explorer.compute.process`; it ends when its standard input does, so it does not
outlive the server, however that ends. An interrupt ends a call where that reports its progress next, and nothing else.
"""

import os
import pickle
import signal
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from typing import IO

from explorer.errors import Cancelled, ExplorerError, is_out_of_memory
from explorer.progress import listening

# name of a function ("package.module:function"), its arguments, the EXPLORER_ variables of the environment
Request = tuple[str, tuple[object, ...], Mapping[str, object], Mapping[str, str]]
Outcome = tuple[object, ExplorerError | None]
Message = float | Outcome  # how far a call is, 0 to 1, any number of times; then its outcome

LESS = "Try fewer images, a smaller network or a smaller image size."
TELL_SECONDS = 0.2  # between two words on progress


def main() -> None:
    """Serve requests until there are no more."""
    calls = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the answers
    sender = ProgressSender(answers)
    signal.signal(signal.SIGINT, sender.interrupt)
    while True:
        try:
            request: Request = pickle.load(calls)
        except EOFError:
            return
        sender.begin()
        with listening(sender.progress):
            found = outcome(*request)
        sender.send(found)


class ProgressSender:
    """Sends what a call says while it computes, and ends it on an interrupt."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._interrupted = False
        self._told = 0.0

    def begin(self) -> None:
        """A new call: an interrupt that came too late for the last one is not for this one."""
        self._interrupted = False

    def interrupt(self, *_: object) -> None:
        """Only remembered: raised anywhere, it could leave half a message or a library's state broken."""
        self._interrupted = True

    def progress(self, fraction: float) -> None:
        """Raise Cancelled after an interrupt, else tell how far the call is, not too often."""
        if self._interrupted:
            raise Cancelled("This was cancelled.")
        if time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            self.send(fraction)

    def send(self, message: Message) -> None:
        """Pass a message on to the server."""
        pickle.dump(message, self._answers)
        self._answers.flush()


def outcome(
    name: str, arguments: tuple[object, ...], options: Mapping[str, object], environment: Mapping[str, str]
) -> Outcome:
    """What a function gives, or why it gives nothing."""
    for variable in [each for each in os.environ if each.startswith("EXPLORER_") and each not in environment]:
        del os.environ[variable]
    os.environ.update(environment)
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)(*arguments, **options), None
    except ExplorerError as error:
        return None, error
    except Exception as error:  # noqa: BLE001 a bug there must not take the page along
        if is_out_of_memory(error):
            return None, ExplorerError(f"Out of memory in {function}. {LESS}")
        return None, ExplorerError(f"{function} failed: {type(error).__name__}: {error}. Please report this.")


if __name__ == "__main__":
    main()
