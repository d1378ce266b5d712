"""TensorBoard event files of runs: metrics, layers and blocks as scalars, settings as hyperparameters.

Each run has a folder of its own with one file, which is written to as the run goes on. Points are never doubled: what
is in the file already stays, and what a resumed run computes anew replaces the old points, by TensorBoard's own mark of
a restart.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import Timeout

from explorer import progress, tables
from explorer.errors import ExplorerError, RunError, StorageError
from explorer.export import INSTALL
from explorer.files import appending, inside, storage_errors, write_bytes_atomically
from explorer.processes import lock
from explorer.runs.facts import RunFacts
from explorer.runs.metrics import LiveRow, MetricRow, read_live, read_metrics
from explorer.runs.store import Run, read_run

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

# Columns of TensorBoard's table of hyperparameters: measures, and the five settings that it shows at first
METRICS = ("test_error", "train_error", "loss")
FIRST_COLUMNS = ("network", "depth", "seed", "learning_rate", "kind")
LOCK_SECONDS = 10.0
_FRAME = 16  # bytes of a record besides its content: its length, and two checksums
_LAYERS = tables.LIVE_LAYERS[1 + len(tables.LAYER_KEYS) :]
_BLOCKS = tables.LIVE_BLOCKS[3:]
_SECONDS = tables.METRICS.index("seconds")


def export_tensorboard(run_ids: Sequence[str], folder: str | Path) -> list[Path]:
    """Write runs as TensorBoard event files, for `tensorboard --logdir FOLDER`.

    A run has a scalar for each column of `explorer.metrics` (all steps), and for each layer and block that was probed
    during training ("response_std/3 stages.0.1.conv1"); its hyperparameters are those of its recipe and network. The
    wall time of a step is the creation of the experiment plus the seconds of training until then. Scalars have 32 bits.
    Reports progress.

    Args:
        run_ids: which runs.
        folder: gets a folder for each run, named after it. A file of an earlier export is continued.

    Returns:
        The file of each run.

    Raises:
        RunError: there is no such run, or it is damaged.
        StorageError: a file cannot be written, or is not of that run.
        ExplorerError: TensorBoard is not installed.
    """
    files = EventFiles(Path(folder))
    found = []
    for number, run_id in enumerate(run_ids):
        progress.report(number / len(run_ids))
        found.append(files.update(read_run(run_id)))
    return found


def zipped_tensorboard(run_ids: Sequence[str]) -> bytes:
    """A zip of the files that `export_tensorboard` writes; raises as it does."""
    require_tensorboard()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for run in map(read_run, run_ids):
            archive.writestr(f"{run.id}/{_file_name(_facts(run))}", _records([*_header(run), *chain(*_events(run))]))
    return packed.getvalue()


def require_tensorboard() -> None:
    """Raise ExplorerError if TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise ExplorerError(f"TensorBoard is not installed. Install it with `{INSTALL}`.")


@dataclass(frozen=True, slots=True)
class _Written:
    """What the event file of a run holds.

    Attributes:
        bytes: its size.
        metrics: the event of the last row of metrics; None before the first.
        probed: step of the last probe; -1 before the first.
    """

    path: Path
    bytes: int
    metrics: "Event | None"
    probed: int


class EventFiles:
    """The event files of some runs in a folder, to be kept up to date while they train.

    Raises:
        StorageError: from the constructor, if the folder cannot be made.
        ExplorerError: from the constructor, if TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        require_tensorboard()
        self.folder = folder
        self._written: dict[str, _Written] = {}
        self._seen: dict[str, tuple[str, int]] = {}  # state and step of runs that were at rest
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def update_all(self, runs: Sequence[Run]) -> None:
        """Add what is new to the files of those runs that may have changed; damaged ones are left out."""
        for run in runs:
            now = (run.state, run.progress.step)
            if run.facts is not None and run.state != "damaged" and (self._seen.get(run.id) != now):
                self.update(run)
                self._seen |= {run.id: now} if run.state not in ("starting", "running") else {}

    def update(self, run: Run) -> Path:
        """Add to the file of a run what is new; raises as `export_tensorboard` does."""
        path = inside(self.folder, run.id, _file_name(_facts(run)))
        with storage_errors(path.parent):
            path.parent.mkdir(exist_ok=True)
        with storage_errors(path):
            try:
                with lock(path.parent / ".lock", timeout=LOCK_SECONDS):
                    known = self._written.get(run.id)
                    found = _appended(run, known) if known and path.stat().st_size == known.bytes else None
                    self._written[run.id] = found or _completed(run, path)
            except Timeout:
                raise StorageError(
                    f"{path} has been written by another process for {LOCK_SECONDS:g} s. Wait for it, then try again."
                ) from None
        return path


def _appended(run: Run, known: _Written) -> _Written | None:
    """Add the rows after those in the file; None if the last of these is no longer what the run has."""
    last = known.metrics
    metrics, probes = _events(run, -1 if last is None else last.step - 1, known.probed)
    if last is not None and metrics[:1] != [last]:
        return None
    new = _records([*metrics[0 if last is None else 1 :], *probes])
    if new:
        with appending(known.path) as file:
            file.write(new)
    return _Written(
        known.path,
        known.bytes + len(new),
        metrics[-1] if metrics else None,
        probes[-1].step if probes else known.probed,
    )


def _completed(run: Run, path: Path) -> _Written:
    """Make the file of a run what it would be if it had been written at once, by adding to it as far as it is there."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    metrics, probes = _events(run)
    expected = {_content(event): event for event in (*metrics, *probes)}
    before, size = _events_in(path, run)
    begin = [] if size else list(_header(run))
    stale = [event.step for content, event in before.items() if content not in expected]
    if stale:  # the run was resumed from an earlier step, or trained again
        log = SessionLog(status=SessionLog.START)
        begin = [Event(wall_time=_wall_time(_facts(run)), step=min(stale), session_log=log)]
        begin += [] if min(stale) else list(_header(run))[2:]  # it withdraws all from that step on
        before = {content: event for content, event in before.items() if event.step < min(stale)}
    new = _records([*begin, *(event for content, event in expected.items() if content not in before)])
    if size == 0:
        write_bytes_atomically(path, new)
    elif new or path.stat().st_size > size:
        with appending(path) as file:
            file.truncate(size)  # cuts off a record that a killed process did not finish
            file.write(new)
    return _Written(path, size + len(new), metrics[-1] if metrics else None, probes[-1].step if probes else -1)


def _events_in(path: Path, run: Run) -> tuple[dict[bytes, "Event"], int]:
    """The scalars in the file of a run that still count, by their content, and the bytes up to the last whole record.

    Raises:
        StorageError: the file is not of this run.
    """
    from google.protobuf.message import DecodeError
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    if not path.exists():
        return {}, 0
    events: dict[bytes, Event] = {}
    size = 0
    with suppress(DecodeError):
        for content in RawEventFileLoader(str(path)).Load() if path.is_file() else ():
            event = Event.FromString(content)
            if not size and event.source_metadata.writer != _writer(run):
                break
            if event.session_log.status == SessionLog.START:
                events = {key: each for key, each in events.items() if each.step < event.step}
            elif any(value.HasField("simple_value") for value in event.summary.value):
                events[content] = event
            size += len(content) + _FRAME
    if not size:
        raise StorageError(f"{path} is not a file that this program wrote about {run.id}. Choose another folder.")
    return events, size


def _events(run: Run, after: int = -1, probed: int = -1) -> tuple[list["Event"], list["Event"]]:
    """The events of the metrics of a run past the step `after`, and of its probes past `probed`."""
    facts, rows = _facts(run), read_metrics(run.path, None, after)
    times = {row[0]: row[_SECONDS] for row in rows}
    values: dict[int, dict[str, Any]] = {}
    for row in read_live(run.path, "layers", None, probed):
        step, layer, name = row[:3]
        values.setdefault(int(step or 0), {}).update(_named(_LAYERS, row, f"{layer} {name}"))
    for row in read_live(run.path, "blocks", None, probed):
        step, stage, block = row[:3]
        if step in values:  # a probe that was written after the layers were read above is left to the next time
            values[int(step)].update(_named(_BLOCKS, row, f"stage {stage} block {block}"))
    for step in values.keys() - times.keys():  # its metrics were written after they were read above, or before `after`
        times |= {row[0]: row[_SECONDS] for row in read_metrics(run.path, None, step - 1)[:1]}
    metrics = [_metrics_event(row, facts) for row in rows]
    return metrics, [_scalars(step, _wall_time(facts, times.get(step)), values[step]) for step in sorted(values)]


def _named(measures: Sequence[str], row: LiveRow, place: str) -> dict[str, Any]:
    """The measures at the end of a row under the tags of a layer or block."""
    return {f"{name}/{place}": value for name, value in zip(measures, row[-len(measures) :], strict=True)}


def _header(run: Run) -> Iterator["Event"]:
    """The first events of a file: its version and who wrote it, a start, and the hyperparameters."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog, SourceMetadata
    from tensorboard.plugins.hparams import summary_v2 as hparams
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    facts = _facts(run)
    began = _wall_time(facts)
    source = SourceMetadata(writer=_writer(run))
    yield Event(wall_time=began, file_version="brain.Event:2", source_metadata=source)
    # without this one TensorBoard takes the next start for the first, and not for a restart
    yield Event(wall_time=began, session_log=SessionLog(status=SessionLog.START))
    values = hyperparameters(facts)
    table = hparams.hparams_config_pb(map(hparams.HParam, values), map(hparams.Metric, METRICS), began)
    plugin = table.value[0].metadata.plugin_data
    content = HParamsPluginData.FromString(plugin.content)
    for column in content.experiment.hparam_infos:
        column.differs = column.name in FIRST_COLUMNS  # those that differ are listed first
    plugin.content = content.SerializeToString()
    yield Event(wall_time=began, summary=table)
    yield Event(wall_time=began, summary=hparams.hparams_pb(values, trial_id=run.id, start_time_secs=began))


def hyperparameters(facts: RunFacts) -> dict[str, str | int | float | bool]:
    """The settings of a run that TensorBoard's table shows; those of the recipe that are left open are missing."""
    network = facts.network
    values: dict[str, Any] = {
        "network": network.name,
        "kind": network.kind,
        **{name: getattr(network, name) for name in ("depth", "shortcut", "block", "order", "stem", "width", "norm")},
        "data": facts.data,
        "seed": facts.seed,
        **facts.recipe,
    }
    return {name: value for name, value in values.items() if value is not None}


def _metrics_event(row: MetricRow, facts: RunFacts) -> "Event":
    values = dict(zip(tables.METRICS, row, strict=True))
    step = values.pop("step")
    return _scalars(int(step or 0), _wall_time(facts, values["seconds"]), values)


def _scalars(step: int, wall_time: float, values: Mapping[str, float | None]) -> "Event":
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    known = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items() if value is not None]
    return Event(wall_time=wall_time, step=step, summary=Summary(value=known))


def _records(events: Sequence["Event"]) -> bytes:
    """Events in the form of TensorBoard's files."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    content = io.BytesIO()
    writer = RecordWriter(content)
    for event in events:
        writer.write(_content(event))
    return content.getvalue()


def _content(event: "Event") -> bytes:
    return bytes(event.SerializeToString(deterministic=True))


def _facts(run: Run) -> RunFacts:
    if run.facts is None or run.state == "damaged":
        raise RunError(f"{run.id} is damaged: {run.damage}")
    return run.facts


def _wall_time(facts: RunFacts, seconds: float | None = 0.0) -> float:
    """Seconds since 1970, of a step after so many seconds of training; from 1970 on where the creation is unknown."""
    return (facts.created.timestamp() if facts.created else 0.0) + (seconds or 0.0)


def _file_name(facts: RunFacts) -> str:
    return f"events.out.tfevents.{_wall_time(facts):010.0f}.explorer"


def _writer(run: Run) -> str:
    return f"ResNet Explorer, run {run.id}"
