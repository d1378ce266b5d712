"""Assignments: a comparison shared out among students, one small plan file each; their exported runs join again.

Every student trains one network with one seed, none the same as another's. The students of a seed take the twins of
one depth first, the shallowest before the deepest, so that comparisons of one seed are complete as far as can be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import BadSettings, RunError, one_line
from explorer.escaping import in_markdown_file
from explorer.files import storage_errors, write_text_atomically
from explorer.models.catalogue import network_config
from explorer.registry import lookup
from explorer.runs.experiments import Experiment, list_experiments
from explorer.runs.facts import LONGEST_ASSIGNMENT
from explorer.runs.transfer import export
from explorer.settings import require_between
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS, Preset, at_depths
from explorer.training.recipe import Recipe
from explorer.training.sweep import STEMS, Sweep, read_sweep, yaml_text

MOST_STUDENTS = 1000


@dataclass(frozen=True, slots=True)
class Assignment:
    """A comparison that is shared out.

    Attributes:
        name: by which the runs join again.
        time: how long the preset took for all its networks and seeds.
        parts: the content of the students' plan files, in order.
    """

    name: str
    time: str
    parts: tuple[Sweep, ...]

    @property
    def files(self) -> list[str]:
        """Names of the plan files."""
        digits = max(2, len(str(len(self.parts))))
        return [f"student-{number:0{digits}}.yaml" for number in range(1, len(self.parts) + 1)]

    def write(self, folder: Path) -> list[Path]:
        """Write the plan files and a README.md for the students; files of these names must not be there.

        Raises:
            BadSettings: one is there already.
            StorageError: the folder cannot be written.
        """
        paths = [folder / name for name in self.files]
        with storage_errors(folder):
            present = next((path for path in [*paths, folder / README] if path.exists()), None)
        if present is not None:
            raise BadSettings(f"{present} is there already. Choose another folder, or delete the old assignment.")
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        for path, part in zip(paths, self.parts, strict=True):
            write_text_atomically(path, _yaml(part, path.name))
        write_text_atomically(folder / README, self.instructions())
        return [*paths, folder / README]

    def instructions(self) -> str:
        """Markdown for the students: what to do, and who trains what."""
        rows = zip(self.files, self.parts, strict=True)
        table = "\n".join(f"| {file} | {part.networks[0]} | {part.seeds[0]} |" for file, part in rows)
        first = self.parts[0]
        return _README.format(
            name=in_markdown_file(self.name), file=self.files[0], zip=Path(self.files[0]).with_suffix(".zip"),
            table=table, steps=f"{first.plans()[0].recipe.steps:,}", data=first.data,
        )  # fmt: skip


README = "README.md"
_README = """# {name}

Each of you trains one network with one seed, for {steps} steps on {data}. Together the runs answer whether depth hurts.
Guess first: which network will have the lowest training error?

Your plan file is the one with your number. In these commands, write its name for `{file}`.

1. Train: `python -m explorer train --from {file}`
   Or in the browser: *Train* page, *Plan file*, choose the file, *Start*.
2. Hand in: `python -m explorer degradation hand-in {file}`
   It waits until the training has ended, then writes `{zip}`.
   Or in the browser: *Train* page of your run, *Hand in (zip)*.
3. Give the zip to your teacher. Do not change the settings: runs with other settings cannot be compared.

For the teacher: `python -m explorer runs import *.zip`, or drop all zips together on the *Runs* page. Zips that come
later join the same experiment.

| Plan file | Network | Seed |
|---|---|---|
{table}
"""


def assignment(
    preset: str = "one_minute",
    *,
    students: int,
    depths: Sequence[int] | None = None,
    kinds: Sequence[str] | None = None,
    steps: int | None = None,
    name: str = "",
) -> Assignment:
    """Share a preset out among students.

    Args:
        preset: name in `training.presets.PRESETS`.
        students: how many; as many plan files.
        depths: instead of the preset's.
        kinds: "plain", "residual", or the first part of a name, such as "preresnet"; instead of the preset's.
        steps: instead of the preset's.
        name: of the assignment; if empty, made from the preset.

    Raises:
        UnknownName: no such preset or network.
        BadSettings: too few or too many students, or a depth that is not 6n+2.
    """
    chosen: Preset = lookup(PRESETS, preset.replace("-", "_"), "preset")
    require_between("students", students, 1, MOST_STUDENTS)
    name = one_line(name, LONGEST_ASSIGNMENT + 1) or f"{chosen.title}, {students} students"
    if len(name) > LONGEST_ASSIGNMENT:
        raise BadSettings(f"The name of the assignment has more than {LONGEST_ASSIGNMENT} characters. Shorten it.")
    networks = _in_order(_networks(chosen.plan.networks, depths, kinds))
    recipe = chosen.plan.recipe.model_dump() | ({} if steps is None else {"steps": steps})
    Plan(networks=networks, data=chosen.plan.data, recipe=Recipe(**recipe))  # any fault of them all at once
    digits = max(2, len(str(students)))
    parts = tuple(
        Sweep(
            title=f"{name}: student {place + 1:0{digits}}",
            networks=(networks[place % len(networks)],),
            data=chosen.plan.data,
            seeds=(place // len(networks),),
            assignment=name,
            recipe=recipe,
        )
        for place in range(students)
    )
    return Assignment(name, chosen.time, parts)


def handed_in(path: Path, target: Path) -> Path:
    """Write the zip of the experiment that was trained from a plan file; gives its path.

    Args:
        target: a file, or a folder in which it is named after the plan file.

    Raises:
        RunError: it was not trained here, or is not at the end of its schedule.
        BadSettings, StorageError: the plan file cannot be read, or the zip not be written.
    """
    found = trained_from(path)
    behind = next((run for run in found.runs if run.state != "finished"), None)
    if behind is not None:
        raise RunError(
            f"{behind.id} is {behind.state} at step {behind.progress.step:,} of {found.steps:,}. Go on with `python -m "
            f"explorer runs resume {found.id} --follow`, then hand it in."
        )
    return export(found.id, target / f"{path.stem}.zip" if target.is_dir() else target)


def trained_from(path: Path) -> Experiment:
    """The experiment that was trained here from a plan file: a finished one, else the newest.

    Raises:
        RunError: there is none.
        BadSettings, StorageError: the file cannot be read, or is a plan of several experiments.
    """
    plans, _ = read_sweep(path)
    if len(plans) != 1:
        raise BadSettings(f"{path} plans {len(plans)} experiments, not one. Give the plan file of an assignment.")
    trained = [found for found in list_experiments() if _is_of(found, plans[0])]
    if not trained:
        raise RunError(
            f"Nothing was trained here from {path} as it is now. Start it with "
            f"`python -m explorer train --from {path}`."
        )
    return next((found for found in trained if found.state == "finished"), trained[0])


def _is_of(found: Experiment, plan: Plan) -> bool:
    facts = [run.facts for run in found.runs if run.facts is not None]
    return (
        (found.networks, found.seeds, found.data) == (plan.networks, plan.seeds, plan.data)
        and found.recipe == plan.recipe.model_dump()
        and all(each.assignment == plan.assignment and each.origin is None for each in facts)
    )


def _networks(usual: Sequence[str], depths: Sequence[int] | None, kinds: Sequence[str] | None) -> tuple[str, ...]:
    if kinds is None:
        return tuple(usual) if depths is None else at_depths(usual, depths)
    own = sorted({network_config(name).depth for name in usual}) if depths is None else depths
    return tuple(network_config(f"{STEMS.get(kind, kind)}{depth}").name for depth in own for kind in kinds)


def _in_order(names: Sequence[str]) -> tuple[str, ...]:
    """Networks with those of a depth together: the shallowest, the deepest, then the others."""
    depths = sorted({network_config(name).depth for name in names})
    order = [*dict.fromkeys([depths[0], depths[-1], *depths])]
    return tuple(sorted(dict.fromkeys(names), key=lambda name: order.index(network_config(name).depth)))


def _yaml(part: Sweep, file: str) -> str:
    return (
        f"# {part.title}. A part of an assignment of ResNet Explorer.\n"
        f"# Train:   python -m explorer train --from {file}\n"
        f"# Hand in: python -m explorer degradation hand-in {file}\n"
        f"{yaml_text(part.model_dump(mode='json', exclude_defaults=True))}"
    )
