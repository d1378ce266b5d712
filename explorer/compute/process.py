"""The process in which PyTorch computes: requests on standard input, replies on standard output.

Started by `client` as `python -m explorer.compute.process`; it ends with its standard input, so it does not outlive the
server, however that ends. An interrupt ends the current call at its next progress report, and nothing else.
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

# function ("package.module:function"), positional and keyword arguments, EXPLORER_ variables of the environment
Request = tuple[str, tuple[object, ...], Mapping[str, object], Mapping[str, str]]
Reply = tuple[object, ExplorerError | None]  # value, or the reason why there is none
Message = float | Reply  # progress of a call, 0 to 1, any number of times; then its reply

TRY_LESS = "Try fewer images, a smaller network or a smaller image size."
PROGRESS_SECONDS = 0.2  # between two progress messages


def main() -> None:
    """Serve requests until there are no more."""
    calls = sys.stdin.buffer
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # output printed by libraries must not mix with replies
    sender = ProgressSender(replies)
    signal.signal(signal.SIGINT, sender.interrupt)
    while True:
        try:
            request: Request = pickle.load(calls)
        except EOFError:
            return
        sender.begin()
        with listening(sender.progress):
            found = reply(*request)
        sender.send(found)


class ProgressSender:
    """Sends progress of a call, and ends the call on an interrupt."""

    def __init__(self, replies: IO[bytes]) -> None:
        self._replies = replies
        self._interrupted = False
        self._sent_at = 0.0

    def begin(self) -> None:
        """Start a new call: an interrupt that came too late for the last one is ignored."""
        self._interrupted = False

    def interrupt(self, *_: object) -> None:
        """Remember an interrupt; raised here, it could break a message or the state of a library."""
        self._interrupted = True

    def progress(self, fraction: float) -> None:
        """Raise Cancelled after an interrupt, else send the progress, not too often."""
        if self._interrupted:
            raise Cancelled
        if time.monotonic() - self._sent_at > PROGRESS_SECONDS:
            self._sent_at = time.monotonic()
            self.send(fraction)

    def send(self, message: Message) -> None:
        """Send a message to the server."""
        pickle.dump(message, self._replies)
        self._replies.flush()


def reply(
    name: str, arguments: tuple[object, ...], options: Mapping[str, object], environment: Mapping[str, str]
) -> Reply:
    """Call a function: its value, or the reason why there is none."""
    for variable in [each for each in os.environ if each.startswith("EXPLORER_") and each not in environment]:
        del os.environ[variable]
    os.environ.update(environment)
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)(*arguments, **options), None
    except ExplorerError as error:
        return None, error
    except Exception as error:  # noqa: BLE001 a bug there must not break the page
        if is_out_of_memory(error):
            return None, ExplorerError(f"Out of memory in {function}. {TRY_LESS}")
        return None, ExplorerError(f"{function} failed: {type(error).__name__}: {error}. Please report this.")


if __name__ == "__main__":
    main()
