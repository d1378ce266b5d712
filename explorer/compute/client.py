"""Client of the PyTorch process, which executes calls one at a time.

The server stays responsive, and if the process runs out of memory only the call is lost.
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
from typing import Any, Generic, ParamSpec, TypeVar, cast

from explorer.compute.process import Reply
from explorer.data.own_folders import folders_state
from explorer.errors import Cancelled, ExplorerError
from explorer.files import PROJECT
from explorer.processes import WAIT_PASSIVELY

KEPT = 300  # calls; their values take ten kilobytes (a table of layers) to two megabytes (maps of all blocks)
FAILED_SECONDS = 10.0  # before a failed call may be tried again
UNWANTED_SECONDS = 1.5  # before a withdrawn call is ended; a page that reruns asks again within this time
SILENT_SECONDS = 60.0  # without progress, after which pages offer to cancel a call
# A process that continues after an interrupt is terminated after the first, and killed after both.
INTERRUPTED_SECONDS, TERMINATED_SECONDS = 10.0, 5.0
TICK_SECONDS = 0.5  # time is counted in waits of this length, so that suspending the machine does not count

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Call(Generic[T_co]):
    """One call of a function: its `value`, or the `failure`; neither while `pending`.

    Attributes:
        request: function, arguments and environment; key: of the cache, the request and the state of data folders.
        begun: whether the process has started the call.
        progress: 0 to 1, as reported by the call.
        silent: seconds since the last progress; overdue: since the call was interrupted.
    """

    def __init__(self, name: str, arguments: tuple[object, ...], options: Mapping[str, object]) -> None:
        folders = folders_state()  # their pictures may change
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
        self.asked = 0  # number of asks, minus those withdrawn
        self.withdrawn_at = 0.0
        self.ended = False  # it was cancelled or withdrawn
        self._done = Event()

    @property
    def pending(self) -> bool:
        return not self._done.is_set()

    @property
    def value(self) -> T_co:
        """The value of the function.

        Raises:
            ExplorerError: the `failure`.
        """
        if self.failure is not None:
            raise self.failure
        return cast("T_co", self._value)

    def wait(self, seconds: float) -> None:
        """Wait until the call is done, at most `seconds`."""
        self._done.wait(seconds)

    def settle(self, value: object, failure: ExplorerError | None) -> None:
        """Set value or failure; only the first call has an effect."""
        if self.pending:
            self._value, self.failure, self.failed_at = value, failure, time.monotonic()
            self._done.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled; it stays so until `ComputeClient.forget`."""
        return isinstance(self.failure, Cancelled)

    @property
    def stale(self) -> bool:
        """Whether it failed so long ago that it may be tried again."""
        failed_long_ago = self.failure is not None and time.monotonic() - self.failed_at > FAILED_SECONDS
        return failed_long_ago and not self.cancelled


class ComputeClient:
    """Client of a process with PyTorch, which is started at the first call, and again after it died or was killed.

    Calls are cached: the same call gives the same `Call`; failures for some seconds only.
    """

    def __init__(self) -> None:
        self._calls: OrderedDict[bytes, Call[object]] = OrderedDict()
        self._waiting: deque[Call[object]] = deque()
        self._prepared: deque[Call[object]] = deque()
        self._computed: Call[object] | None = None
        self._change = Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[Thread] = []

    def ask(self, function: Callable[P, T], /, *arguments: P.args, **options: P.kwargs) -> Call[T]:
        """Call a function of a module, or of `compute.functions`, in the process; returns immediately."""
        call: Call[T] = Call(f"{function.__module__}:{function.__qualname__}", arguments, options)
        with self._change:
            kept = self._calls.get(call.key)
            if kept is not None and not kept.stale:
                self._calls.move_to_end(call.key)
                kept.asked += 1
                if kept in self._prepared:
                    self._prepared.remove(kept)
                    self._add(self._waiting, kept)
                return cast("Call[T]", kept)
            call.asked = 1
            self._calls[call.key] = call
            while len(self._calls) > KEPT:
                self._calls.popitem(last=False)
            self._add(self._waiting, call)
        return call

    def prepare(self, function: Callable[P, object], /, *arguments: P.args, **options: P.kwargs) -> None:
        """Call a function once no other call waits, so that a later `ask` finds its value.

        It should be short, since a call that is asked meanwhile waits for its end.
        """
        call: Call[object] = Call(f"{function.__module__}:{function.__qualname__}", arguments, options)
        with self._change:
            if call.key not in self._calls:
                self._calls[call.key] = call
                self._add(self._prepared, call)

    def _add(self, queue: "deque[Call[object]]", call: Call[Any]) -> None:
        queue.append(call)
        if not self._threads:
            self._threads = [Thread(target=each, daemon=True) for each in (self._work, self._watch)]
            for thread in self._threads:
                thread.start()
        self._change.notify_all()

    def withdraw(self, call: Call[object]) -> None:
        """Undo an `ask`: a call that is no longer wanted is forgotten, or ended soon if it is being computed."""
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
        """End a waiting or computing call, for all that asked for it; it stays `cancelled` until it is forgotten.

        If the call waits for a silent one, that one is ended too.
        """
        with self._change:
            if call is self._computed:
                self._interrupt(call)
            elif call.pending:  # waiting, or just withdrawn
                if call in self._waiting:
                    self._waiting.remove(call)
                call.settle(None, Cancelled())
                self._calls.setdefault(call.key, call)
                if self._computed is not None and self.silent:
                    self._interrupt(self._computed)

    @property
    def silent(self) -> float:
        """Seconds without progress of the computed call, if more than `SILENT_SECONDS` and it is not ended, else 0."""
        computed = self._computed
        return computed.silent if computed and not computed.ended and computed.silent > SILENT_SECONDS else 0.0

    def forget(self, call: Call[object]) -> None:
        """Let the next `ask` compute a finished call again."""
        with self._change:
            if not call.pending:
                self._drop(call)

    def forget_all(self) -> None:
        """Let all finished calls be computed again: a checkpoint of a known name may have other weights now."""
        for call in list(self._calls.values()):
            self.forget(call)

    def _drop(self, call: Call[object]) -> None:
        if self._calls.get(call.key) is call:
            del self._calls[call.key]

    def _end_unwanted(self, call: Call[object]) -> None:
        with self._change:
            waited = time.monotonic() - call.withdrawn_at >= 0.9 * UNWANTED_SECONDS  # else a later timer does it
            if call.asked == 0 and call is self._computed and waited:
                self._drop(call)  # a new `ask` starts it again
                self._interrupt(call)

    def _interrupt(self, call: Call[object]) -> None:
        """Settle a call; the process ends it at its next progress report, or `_watch` ends the process."""
        call.ended = True
        call.settle(None, Cancelled())
        if self._process is not None and self._process.poll() is None:
            try:
                self._process.send_signal(signal.SIGINT)
            except ValueError:  # Windows has no such signal
                self._process.kill()

    def _watch(self) -> None:
        """Count seconds without progress; end a process that continues with an interrupted call."""
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
        """End the process, even during a call, and forget all calls; the next call starts another process."""
        with self._change:
            self._waiting.clear()
            self._prepared.clear()
            self._calls.clear()
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):  # unsent rest of a call
                    stream.close()  # type: ignore[union-attr]

    def _work(self) -> None:
        while True:
            with self._change:
                while not (self._waiting or self._prepared):
                    self._change.wait()
                call = self._computed = (self._waiting or self._prepared).popleft()
                call.begun = True
                self._change.notify_all()
            try:
                reply = self._reply(call)
            except Exception as error:  # noqa: BLE001 if this thread ended, all pages would wait
                self._end()
                reply = None, _explanation(call, error)
            with self._change:
                call.settle(*reply)
                self._computed = None
                if call.overdue > INTERRUPTED_SECONDS:  # it replied just when it was terminated
                    self._end()

    def _reply(self, call: Call[object]) -> Reply:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "explorer.compute.process"],
                cwd=PROJECT,
                env=os.environ | WAIT_PASSIVELY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C ends the server, which closes this process's standard input
            )
        if call.ended:
            return None, Cancelled()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        pickle.dump(call.request, process.stdin)
        process.stdin.flush()
        while isinstance(message := pickle.load(process.stdout), float):
            self._progressed(call, message)
        reply: Reply = message
        return reply

    def _progressed(self, call: Call[object], progress: float) -> None:
        with self._change:
            call.progress, call.silent = progress, 0.0
            if call.ended:
                self._interrupt(call)  # again: an interrupt before the start of the call is ignored


def _explanation(call: Call[object], error: Exception) -> ExplorerError:
    """Why the process ended; an interrupt during its start ends it too."""
    if call.ended:
        return Cancelled()
    return ExplorerError(
        f"The PyTorch process ended ({type(error).__name__}); it may have run out of memory. Try "
        "again, with fewer networks or images."
    )


compute = ComputeClient()
