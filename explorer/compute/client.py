"""Calls of functions in the PyTorch process: one process beside the server computes, one call after the other.

So the server stays quick and light, and when the process runs out of memory only the call is lost.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Condition, Event, Thread, Timer
from typing import Generic, ParamSpec, TypeVar, cast

from explorer.data.own_folders import folders_state
from explorer.errors import Cancelled, ExplorerError
from explorer.files import PROJECT
from explorer.processes import WAIT_PASSIVELY

KEPT = 300  # calls: what they gave takes ten kilobytes (a table of layers) to two megabytes (maps of all blocks)
CANCELLED = "This was cancelled."
FAILED_SECONDS = 10.0  # how long a failure stands before the same call is tried again
UNWANTED_SECONDS = 1.5  # after these a call that nobody waits for is ended; a page that runs anew asks again before
SILENT_SECONDS = 60.0  # a call that says nothing for longer may hang: readers are told, and decide
# A process that goes on after an interrupt: these later it is asked to end, and again these later it is killed.
INTERRUPTED_SECONDS, TERMINATED_SECONDS = 10.0, 5.0
TICK_SECONDS = 0.5  # time is counted as waits of this length, so that a suspended machine is no process that hangs

Outcome = tuple[object, ExplorerError | None]  # what a function gave, or why it gave nothing
P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Call(Generic[T_co]):
    """One call of a function, and what it gave: `value`, or why there is none in `failure`; neither while `pending`.

    Attributes:
        request: what is computed; key: that, and what it depends on.
        begun: the call is being made, after those that came before it.
        progress: how far it is, 0 to 1, as far as the call says so.
        silent: seconds since the process last said anything of it; overdue: since the call was to end.
    """

    def __init__(self, name: str, arguments: tuple[object, ...], options: Mapping[str, object]) -> None:
        folders = folders_state()  # their pictures may be other ones by the next time
        variables = {name: value for name, value in os.environ.items() if name.startswith("EXPLORER_")}
        self.request = (name, arguments, options, variables)
        self.key = pickle.dumps((self.request, folders))
        self._value: object = None
        self.failure: ExplorerError | None = None
        self.failed_at = 0.0
        self.begun = False
        self.progress = 0.0
        self.silent = 0.0
        self.overdue = 0.0
        self.asked = 0  # times, less those withdrawn
        self.withdrawn_at = 0.0
        self.ended = False  # somebody wants the call to end
        self._done = Event()

    @property
    def pending(self) -> bool:
        return not self._done.is_set()

    @property
    def value(self) -> T_co:
        """What the function gave.

        Raises:
            ExplorerError: it gave nothing, for the reason in `failure`.
        """
        if self.failure is not None:
            raise self.failure
        return cast("T_co", self._value)

    def wait(self, seconds: float) -> None:
        """Return once it is there, at the latest after `seconds`."""
        self._done.wait(seconds)

    def settle(self, value: object, failure: ExplorerError | None) -> None:
        """Say what came of the call; what is said first stands."""
        if self.pending:
            self._value, self.failure, self.failed_at = value, failure, time.monotonic()
            self._done.set()

    @property
    def cancelled(self) -> bool:
        """Whether a reader ended it: that stands until it is asked for anew by `ComputeClient.forget`."""
        return isinstance(self.failure, Cancelled)

    @property
    def stale(self) -> bool:
        """Whether it failed so long ago that the call is worth another try."""
        failed_long_ago = self.failure is not None and time.monotonic() - self.failed_at > FAILED_SECONDS
        return failed_long_ago and not self.cancelled


class ComputeClient:
    """A process with PyTorch, started at the first call, and again after it died or had to be killed.

    Calls are kept: the same call gives the same `Call` at once; failures stand for some seconds.
    """

    def __init__(self) -> None:
        self._calls: OrderedDict[bytes, Call[object]] = OrderedDict()
        self._waiting: deque[Call[object]] = deque()
        self._computed: Call[object] | None = None
        self._change = Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[Thread] = []

    def ask(self, function: Callable[P, T], /, *arguments: P.args, **options: P.kwargs) -> Call[T]:
        """Let a function of a module, or one named in `functions`, be called there; returns at once."""
        call: Call[T] = Call(f"{function.__module__}:{function.__qualname__}", arguments, options)
        with self._change:
            kept = self._calls.get(call.key)
            if kept is not None and not kept.stale:
                self._calls.move_to_end(call.key)
                kept.asked += 1
                return cast("Call[T]", kept)
            call.asked = 1
            self._calls[call.key] = call
            while len(self._calls) > KEPT:
                self._calls.popitem(last=False)
            self._waiting.append(call)
            if not self._threads:
                self._threads = [Thread(target=each, daemon=True) for each in (self._work, self._watch)]
                for thread in self._threads:
                    thread.start()
            self._change.notify_all()
        return call

    def withdraw(self, call: Call[object]) -> None:
        """Undo an `ask`: what nobody else has asked for is forgotten, or ended soon if it is being computed."""
        with self._change:
            call.asked -= 1
            call.withdrawn_at = time.monotonic()
            if call.asked == 0 and call in self._waiting:
                self._waiting.remove(call)
                self._drop(call)
            elif call.asked == 0 and call is self._computed:
                timer = Timer(UNWANTED_SECONDS, self._end_unwanted, [call])
                timer.daemon = True
                timer.start()

    def cancel(self, call: Call[object]) -> None:
        """End a call that waits or computes, for all who have asked; its call says so until it is forgotten.

        With one that waits for a call that says nothing any more, that call ends too.
        """
        with self._change:
            if call is self._computed:
                self._interrupt(call)
            elif call.pending:  # it waits, or has just been withdrawn
                if call in self._waiting:
                    self._waiting.remove(call)
                call.settle(None, Cancelled(CANCELLED))
                self._calls.setdefault(call.key, call)
                if self._computed is not None and self.silent:
                    self._interrupt(self._computed)

    @property
    def silent(self) -> float:
        """Seconds for which the process has said nothing of its call, where they are many and nobody has ended it."""
        computed = self._computed
        return computed.silent if computed and not computed.ended and computed.silent > SILENT_SECONDS else 0.0

    def forget(self, call: Call[object]) -> None:
        """Let the next `ask` compute anew what has been answered."""
        with self._change:
            if not call.pending:
                self._drop(call)

    def _drop(self, call: Call[object]) -> None:
        if self._calls.get(call.key) is call:
            del self._calls[call.key]

    def _end_unwanted(self, call: Call[object]) -> None:
        with self._change:
            waited = time.monotonic() - call.withdrawn_at >= 0.9 * UNWANTED_SECONDS  # else a later timer decides
            if call.asked == 0 and call is self._computed and waited:
                self._drop(call)  # who asks from now on starts it anew
                self._interrupt(call)

    def _interrupt(self, call: Call[object]) -> None:
        """Settled at once; the process ends the call where that reports its progress next, or `_watch` ends it."""
        call.ended = True
        call.settle(None, Cancelled(CANCELLED))
        if self._process is not None and self._process.poll() is None:
            try:
                self._process.send_signal(signal.SIGINT)
            except ValueError:  # Windows has no such signal
                self._process.kill()

    def _watch(self) -> None:
        """Count how long the process says nothing; end one that goes on with a call that was to end."""
        while True:
            with self._change:
                while self._computed is None:
                    self._change.wait()
            time.sleep(TICK_SECONDS)
            self._tick()

    def _tick(self) -> None:
        with self._change:
            call, process = self._computed, self._process
            if call is None:
                return
            call.silent += TICK_SECONDS
            if call.ended and process is not None:
                call.overdue += TICK_SECONDS
                if call.overdue > INTERRUPTED_SECONDS + TERMINATED_SECONDS:
                    process.kill()
                elif call.overdue > INTERRUPTED_SECONDS:
                    process.terminate()

    def close(self) -> None:
        """End the process, also in the middle of a call, and forget what waits; the next call starts another."""
        with self._change:
            self._waiting.clear()
            self._calls.clear()
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):  # the rest of a call that was being sent
                    stream.close()  # type: ignore[union-attr]

    def _work(self) -> None:
        while True:
            with self._change:
                while not self._waiting:
                    self._change.wait()
                call = self._computed = self._waiting.popleft()
                call.begun = True
                self._change.notify_all()
            try:
                found = self._outcome(call)
            except Exception as error:  # noqa: BLE001 a thread that ends leaves all pages waiting
                self._end()
                found = None, _explanation(call, error)
            with self._change:
                call.settle(*found)
                self._computed = None
                if call.overdue > INTERRUPTED_SECONDS:  # it answered just when it was told to end
                    self._end()

    def _outcome(self, call: Call[object]) -> Outcome:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "explorer.compute.process"],
                cwd=PROJECT,
                env=os.environ | WAIT_PASSIVELY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C ends the server, and with it this process's standard input
            )
        if call.ended:
            return None, Cancelled(CANCELLED)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        pickle.dump(call.request, process.stdin)
        process.stdin.flush()
        while isinstance(message := pickle.load(process.stdout), float):
            self._hear(call, message)
        outcome: Outcome = message
        return outcome

    def _hear(self, call: Call[object], progress: float) -> None:
        with self._change:
            call.progress, call.silent = progress, 0.0
            if call.ended:
                self._interrupt(call)  # again: one that came before the call began was not for it


def _explanation(call: Call[object], error: Exception) -> ExplorerError:
    """Why the process is gone: an interrupt before it was ready for one ends it whole."""
    if call.ended:
        return Cancelled(CANCELLED)
    return ExplorerError(
        f"The PyTorch process ended ({type(error).__name__}); it may have run out of memory. Try "
        "again, with fewer networks or images."
    )


compute = ComputeClient()
