"""What PyTorch is asked by pages: one process beside the server computes, one call after the other.

So the server stays quick and light, and one that runs out of memory is only asked again.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import OrderedDict, deque
from contextlib import suppress
from threading import Condition, Event, Thread, Timer
from typing import Any

from explorer.data.own_folders import folders_state
from explorer.errors import Cancelled, ExplorerError
from explorer.files import PROJECT
from explorer.processes import WAIT_PASSIVELY

KEPT = 300  # answers: a table of layers takes ten kilobytes, the maps of all blocks of a network up to two megabytes
CANCELLED = "This was cancelled."
FAILED_SECONDS = 10.0  # how long a failure stands before the same call is tried again
UNWANTED_SECONDS = 1.5  # after these a call that nobody waits for is ended; a page that runs anew asks again before
SILENT_SECONDS = 60.0  # a call that says nothing for longer may hang: readers are told, and decide
# A process that goes on after an interrupt: these later it is asked to end, and again these later it is killed.
INTERRUPTED_SECONDS, TERMINATED_SECONDS = 10.0, 5.0
TICK_SECONDS = 0.5  # time is counted as waits of this length, so that a suspended machine is no process that hangs


class Answer:
    """What a call gave: `value`, or the reason why there is none in `failure`; neither while `pending`.

    Attributes:
        call: what is computed; key: that, and what it depends on.
        begun: the call is being made, after those that came before it.
        progress: how far it is, 0 to 1, as far as the call says so.
        silent: seconds since the process last said anything of it; overdue: since the call was to end.
    """

    def __init__(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        folders = folders_state()  # their pictures may be other ones by the next time
        variables = {name: value for name, value in os.environ.items() if name.startswith("EXPLORER_")}
        self.call = (name, arguments, options, variables)
        self.key = pickle.dumps((self.call, folders))
        self.value: Any = None
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

    def wait(self, seconds: float) -> None:
        """Return once it is there, at the latest after `seconds`."""
        self._done.wait(seconds)

    def settle(self, value: Any, failure: ExplorerError | None) -> None:
        """Say what came of the call; what is said first stands."""
        if self.pending:
            self.value, self.failure, self.failed_at = value, failure, time.monotonic()
            self._done.set()

    @property
    def cancelled(self) -> bool:
        """Whether a reader ended it: that stands until it is asked for anew by `PyTorch.forget`."""
        return isinstance(self.failure, Cancelled)

    @property
    def stale(self) -> bool:
        """Whether it failed so long ago that the call is worth another try."""
        failed_long_ago = self.failure is not None and time.monotonic() - self.failed_at > FAILED_SECONDS
        return failed_long_ago and not self.cancelled


class PyTorch:
    """A process with PyTorch, started at the first call, and again after it died or had to be killed.

    Answers are kept: the same call gives the same `Answer` at once; failures stand for some seconds.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._waiting: deque[Answer] = deque()
        self._computed: Answer | None = None
        self._change = Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[Thread] = []

    def ask(self, name: str, /, *arguments: Any, **options: Any) -> Answer:
        """Let `name` ("package.module:function") be called; returns at once."""
        answer = Answer(name, arguments, options)
        with self._change:
            kept = self._answers.get(answer.key)
            if kept is not None and not kept.stale:
                self._answers.move_to_end(answer.key)
                kept.asked += 1
                return kept
            answer.asked = 1
            self._answers[answer.key] = answer
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
            self._waiting.append(answer)
            if not self._threads:
                self._threads = [Thread(target=each, daemon=True) for each in (self._work, self._watch)]
                for thread in self._threads:
                    thread.start()
            self._change.notify_all()
        return answer

    def withdraw(self, answer: Answer) -> None:
        """Undo an `ask`: what nobody else has asked for is forgotten, or ended soon if it is being computed."""
        with self._change:
            answer.asked -= 1
            answer.withdrawn_at = time.monotonic()
            if answer.asked == 0 and answer in self._waiting:
                self._waiting.remove(answer)
                self._drop(answer)
            elif answer.asked == 0 and answer is self._computed:
                timer = Timer(UNWANTED_SECONDS, self._end_unwanted, [answer])
                timer.daemon = True
                timer.start()

    def cancel(self, answer: Answer) -> None:
        """End a call that waits or computes, for all who have asked; its answer says so until it is forgotten.

        With one that waits for a call that says nothing any more, that call ends too.
        """
        with self._change:
            if answer is self._computed:
                self._interrupt(answer)
            elif answer.pending:  # it waits, or has just been withdrawn
                if answer in self._waiting:
                    self._waiting.remove(answer)
                answer.settle(None, Cancelled(CANCELLED))
                self._answers.setdefault(answer.key, answer)
                if self._computed is not None and self.silent:
                    self._interrupt(self._computed)

    @property
    def silent(self) -> float:
        """Seconds for which the process has said nothing of its call, where they are many and nobody has ended it."""
        computed = self._computed
        return computed.silent if computed and not computed.ended and computed.silent > SILENT_SECONDS else 0.0

    def forget(self, answer: Answer) -> None:
        """Let the next `ask` compute anew what has been answered."""
        with self._change:
            if not answer.pending:
                self._drop(answer)

    def _drop(self, answer: Answer) -> None:
        if self._answers.get(answer.key) is answer:
            del self._answers[answer.key]

    def _end_unwanted(self, answer: Answer) -> None:
        with self._change:
            waited = time.monotonic() - answer.withdrawn_at >= 0.9 * UNWANTED_SECONDS  # else a later timer decides
            if answer.asked == 0 and answer is self._computed and waited:
                self._drop(answer)  # who asks from now on starts it anew
                self._interrupt(answer)

    def _interrupt(self, answer: Answer) -> None:
        """Settled at once; the process ends the call where that reports its progress next, or `_watch` ends it."""
        answer.ended = True
        answer.settle(None, Cancelled(CANCELLED))
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
            answer, process = self._computed, self._process
            if answer is None:
                return
            answer.silent += TICK_SECONDS
            if answer.ended and process is not None:
                answer.overdue += TICK_SECONDS
                if answer.overdue > INTERRUPTED_SECONDS + TERMINATED_SECONDS:
                    process.kill()
                elif answer.overdue > INTERRUPTED_SECONDS:
                    process.terminate()

    def close(self) -> None:
        """End the process, also in the middle of a call, and forget what waits; the next call starts another."""
        with self._change:
            self._waiting.clear()
            self._answers.clear()
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
                answer = self._computed = self._waiting.popleft()
                answer.begun = True
                self._change.notify_all()
            try:
                found = self._outcome(answer)
            except Exception as error:  # noqa: BLE001 a thread that ends leaves all pages waiting
                self._end()
                found = None, _explanation(answer, error)
            with self._change:
                answer.settle(*found)
                self._computed = None
                if answer.overdue > INTERRUPTED_SECONDS:  # it answered just when it was told to end
                    self._end()

    def _outcome(self, answer: Answer) -> Any:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "explorer.compute.process"],
                cwd=PROJECT,
                env=os.environ | WAIT_PASSIVELY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C ends the server, and with it this process's standard input
            )
        if answer.ended:
            return None, Cancelled(CANCELLED)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        pickle.dump(answer.call, process.stdin)
        process.stdin.flush()
        while isinstance(message := pickle.load(process.stdout), float):
            self._hear(answer, message)
        return message

    def _hear(self, answer: Answer, progress: float) -> None:
        with self._change:
            answer.progress, answer.silent = progress, 0.0
            if answer.ended:
                self._interrupt(answer)  # again: one that came before the call began was not for it


def _explanation(answer: Answer, error: Exception) -> ExplorerError:
    """Why the process is gone: an interrupt before it was ready for one ends it whole."""
    if answer.ended:
        return Cancelled(CANCELLED)
    return ExplorerError(
        f"The process that computes with PyTorch ended ({type(error).__name__}); it may have run out of memory. Try "
        "again, with fewer networks or images."
    )


pytorch = PyTorch()
