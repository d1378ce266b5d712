"""Runs of many people in one experiment: which of them belong together, which are the same, which differ in what.

Runs are compared that had the same data and recipe; networks and seeds may differ. What decides is what most of the
files have, or what the experiment has that they join. Nothing is lost: runs that differ become experiments of their
own, and the same numbers under two names count once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from explorer import tables
from explorer.errors import RunError
from explorer.runs.arrival import ImportedRun, Placed, arriving, free_run_id, own_experiment
from explorer.runs.experiments import Experiment
from explorer.runs.facts import LARGEST_EXPERIMENT, MOST_NUMBER, Origin, RunFacts
from explorer.runs.metrics import read_metrics, read_progress
from explorer.runs.store import new_id
from explorer.seals import digest

Fate = Literal["joined", "apart", "again", "refused"]

# Of a recipe, what changes neither the training nor how its result is measured.
_WITHOUT_EFFECT = {"probe_every"}
_OF_THE_MACHINE = {"seconds", "images_per_second"}  # columns that differ between two trainings with the same numbers
_COMPARED = 10_000  # rows of a run that are compared; longer ones are averaged
MOST_NAMED = 100  # characters of a value in a sentence


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run in a file, or of a file that cannot be imported.

    Attributes:
        file: name of the zip.
        fate: "joined" with the others, "apart" in an experiment of its own, "again" as it is here already and was left
            out, "refused" with the whole file.
        run: its id here, or that of the run with the same numbers; empty if refused.
        network: its name; seed: None if refused.
        remark: a sentence on what differs, what it is the same as, or what is wrong; empty if there is nothing to say.
    """

    file: str
    fate: Fate
    run: str = ""
    network: str = ""
    seed: int | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A zip with its unpacked runs."""

    name: str
    runs: list[ImportedRun]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the runs of an import go.

    Attributes:
        experiment: that they join; empty if none does.
        placed: the runs that are taken in, with their facts here.
        outcomes: of all runs.
        title: of the experiment that they join.
    """

    experiment: str
    placed: list[Placed]
    outcomes: list[Outcome]
    title: str


def decide(
    files: Sequence[File],
    here: Sequence[Experiment],
    batch: str,
    number: int,
    *,
    into: str = "",
    apart: bool = False,
) -> Decision:
    """Decide for each run whether it joins the others, stands apart, or is here already.

    Args:
        here: all experiments on this machine.
        batch: id of the import.
        number: of the next experiment.
        into: id of the experiment to join; empty for the one that grew from the same assignment, or a new one.
        apart: whether each file becomes an experiment of its own.

    Raises:
        RunError: the experiment to join cannot be joined.
    """
    target = None if apart else _target(files, here, into)
    usual = _of(target)[0] if target else _most_common(files)
    name, title = target.id if target else new_id(), _title(files, target)
    newest = min(number + len(files), MOST_NUMBER)  # higher than of those apart: pages show it first
    taken = list(target.run_ids) if target else []
    claimed = {found.id for found in here} | {name}
    seen, outcomes, placed = _Seen(here), list[Outcome](), list[Placed]()
    # the furthest first: earlier states of the same runs are left out
    for file in sorted(files, key=lambda each: -sum(read_progress(run.folder).step for run in each.runs)):
        odd = "" if apart else next((text for each in file.runs if (text := difference(each.facts, usual))), "")
        known = {each.facts.id: seen.outcome(each, file.name) for each in file.runs}
        outcomes += [each for each in known.values() if each is not None]
        new = [each for each in file.runs if known[each.facts.id] is None]
        if new and (apart or odd):
            notice = f"Imported with others from {file.name}, not joined with them: {odd}." if odd else ""
            added = own_experiment(new, number=number, claimed=claimed, notice=notice)
            claimed.add(added[0][1].experiment)
            number += 1
        else:
            added = [_joining(each, name, title, newest, taken) for each in new]
        for each, facts in added:
            origin = each.facts.origin or Origin(file=file.name, run=each.facts.id)
            placed.append((each, facts.model_copy(update={"origin": origin.model_copy(update={"batch": batch})})))
            fate: Fate = "joined" if facts.experiment == name else "apart"
            remark = f"Not joined: {odd}." if odd else seen.remark(each, usual)
            outcomes.append(Outcome(file.name, fate, facts.id, facts.network.name, facts.seed, remark))
            seen.add(each, facts.id, file.name)
    if len(taken) > LARGEST_EXPERIMENT:
        raise RunError(f"Together they are {len(taken):,} runs; an experiment has at most {LARGEST_EXPERIMENT:,}.")
    return Decision(name if target or taken else "", placed, outcomes, title)


def _joining(each: ImportedRun, experiment: str, title: str, number: int, taken: list[str]) -> Placed:
    """A run with its facts in the experiment that it joins; its id is added to those that are taken."""
    taken.append(free_run_id(experiment, each.facts, taken))
    return each, arriving(each.facts, taken[-1], experiment, number, order=_order(each.facts), title=title)


def joins(file: File, here: Sequence[Experiment]) -> bool:
    """Whether a single file belongs to an experiment here: that of the same assignment."""
    return _target([file], here, "") is not None


def difference(facts: RunFacts, usual: RunFacts) -> str:
    """What differs in the data or the recipe of two runs, such as "steps 50, in the others 100"; empty for nothing."""
    own, others = _compared(facts), _compared(usual)
    # an older run lacks newer settings, and one that has not begun does not know its data's checksum
    pairs = {name: (own[name], others[name]) for name in own if name in others and own[name] != others[name]}
    return "; ".join(
        "other pictures or labels under the same name of the data"
        if name == "data_fingerprint"
        else f"{name} {_shown(value)}, in the others {_shown(other)}"
        for name, (value, other) in pairs.items()
    )


def _compared(facts: RunFacts) -> dict[str, Any]:
    found = {"assignment": facts.assignment, "data": facts.data, "data_fingerprint": facts.data_fingerprint}
    found = {name: value for name, value in found.items() if value}
    recipe = {name: value for name, value in facts.recipe.items() if name not in _WITHOUT_EFFECT}
    return found | {"initial weights": "a checkpoint" if facts.initial_sha256 else "random"} | recipe


def _shown(value: Any) -> str:
    return str(value if value is not None else "as usual")[:MOST_NAMED]


def _target(files: Sequence[File], here: Sequence[Experiment], into: str) -> Experiment | None:
    if into:
        found = next((each for each in here if each.id == into), None)
        if found is None:
            raise RunError(f"There is no experiment {into!r} to join. `python -m explorer runs list` shows them.")
        if found.state == "shipped" or not _of(found):
            raise RunError(f"{into} came with the program or is damaged. Join another, or leave it out for a new one.")
        if found.active:
            raise RunError(f"{into} is {found.state}. Import when it has ended, or stop it first.")
        return found
    assignment = _assignment(files)
    grown = (
        each
        for each in here
        if assignment
        and not each.active
        and each.state != "shipped"
        and any(facts.origin is not None and facts.assignment == assignment for facts in _of(each))
        and any(not difference(run.facts, _of(each)[0]) for file in files for run in file.runs)
    )
    return next(grown, None)


def _of(found: Experiment) -> list[RunFacts]:
    return [run.facts for run in found.runs if run.facts is not None]


def _assignment(files: Sequence[File]) -> str:
    """The assignment that most files are of; empty if none is of any."""
    named = Counter(each.facts.assignment for file in files for each in file.runs[:1] if each.facts.assignment)
    return max(named, key=named.__getitem__, default="")


def _most_common(files: Sequence[File]) -> RunFacts:
    """The facts of a run with the data and recipe that most files have; of equally many the first file's."""
    kinds = [digest(_compared(file.runs[0].facts) | {"assignment": ""}) for file in files]
    most = max(kinds, key=kinds.count)
    alike = [file.runs[0].facts for file, kind in zip(files, kinds, strict=True) if kind == most]
    return next((facts for facts in alike if facts.assignment == _assignment(files)), alike[0])


def _title(files: Sequence[File], target: Experiment | None) -> str:
    if target is not None and len({facts.origin.batch for facts in _of(target) if facts.origin}) != 1:
        return target.title
    titles = {file.runs[0].facts.title for file in files} | ({target.title} if target else set())
    return _assignment(files) or (titles.pop() if len(titles) == 1 else f"Joined from {len(files)} files")


def _order(facts: RunFacts) -> int:
    """Plain before residual networks, shallow before deep ones, also among those that come later."""
    return (0 if facts.network.kind == "plain" else 100_000) + min(facts.network.depth, 99_999)


@dataclass(frozen=True, slots=True)
class _Known:
    """A run that is here or was taken in; its numbers are read when one with the same settings comes."""

    id: str
    folder: Path
    facts: RunFacts
    file: str = ""  # that it came from, in this import


class _Seen:
    """The runs that are here or were taken in, by their settings."""

    def __init__(self, here: Iterable[Experiment]) -> None:
        self._known: dict[str, list[_Known]] = {}
        for run in (run for found in here for run in found.runs if run.state != "damaged"):
            if run.facts is not None:
                self._keep(_Known(run.id, run.path, run.facts))

    def add(self, each: ImportedRun, run_id: str, file: str) -> None:
        """Note a run that is taken in."""
        self._keep(_Known(run_id, each.folder, each.facts, file))

    def _keep(self, known: _Known) -> None:
        self._known.setdefault(_settings(known.facts), []).append(known)

    def _alike(self, facts: RunFacts) -> Iterator[_Known]:
        """Those with the same settings that are from elsewhere too, or that are the very same training."""
        for known in self._known.get(_settings(facts), []):
            if known.file or known.facts.origin is not None or known.facts.created == facts.created:
                yield known

    def outcome(self, each: ImportedRun, file: str) -> Outcome | None:
        """That a run is here already; None for a new one."""
        facts = each.facts
        for known in self._alike(facts):
            source = f"{known.id}, from {known.file}" if known.file else f"{known.id}, which is here already"
            same = known.facts.created == facts.created
            if same and read_progress(each.folder).step < read_progress(known.folder).step:
                remark = f"An earlier state of {source}: left out."
            elif same and read_progress(each.folder).step > read_progress(known.folder).step:
                remark = f"A later state of {source}. Delete that one, then import this file again to take it."
            elif not same_numbers(each.folder, known.folder):
                continue
            elif same:
                remark = f"The same run as {source}: counts once."
            else:
                remark = f"The same seed and the same numbers as {source}: counts once."
            return Outcome(file, "again", known.id, facts.network.name, facts.seed, remark)
        return None

    def remark(self, each: ImportedRun, usual: RunFacts) -> str:
        """What is to be known of a run that joins."""
        sentences = []
        step, steps = read_progress(each.folder).step, each.facts.recipe["steps"]
        if step < steps:
            sentences.append(f"At step {step:,} of {steps:,}: not counted in the verdict.")
        own, others = (facts.environment.get("precision") for facts in (each.facts, usual))
        if own and others and own != others:
            sentences.append(f"Trained in {_shown(own)}, others in {_shown(others)}.")
        twin = next(iter(self._alike(each.facts)), None)
        if twin is not None:
            sentences.append(
                f"The same network and seed as {twin.id}, with other numbers, as another machine or version gives: the "
                "verdict counts their mean as one seed."
            )
        return " ".join(sentences)


def _settings(facts: RunFacts) -> str:
    """What decides the numbers of a training, but for the machine."""
    recipe = {name: value for name, value in facts.recipe.items() if name not in _WITHOUT_EFFECT}
    network = facts.network.model_dump(mode="json", exclude_defaults=True)
    return digest([network, facts.data, facts.data_fingerprint, recipe, facts.seed, facts.initial_sha256])


def same_numbers(a: Path, b: Path) -> bool:
    """Whether the runs in two folders have the same losses and errors; damaged ones have not."""
    try:
        return _numbers(a) == _numbers(b)
    except RunError:
        return False


def _numbers(folder: Path) -> list[list[float | None]]:
    places = [place for place, name in enumerate(tables.METRICS) if name not in _OF_THE_MACHINE]
    return [[row[place] for place in places] for row in read_metrics(folder, _COMPARED)]
