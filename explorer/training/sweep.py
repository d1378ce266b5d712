"""Sweeps: many experiments from one file, YAML or JSON, in which lists of values multiply out."""

import re
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import Field

from explorer.errors import BadSettings, ExplorerError, StorageError, one_line, quoted, reason_in
from explorer.files import parse_json, read_file
from explorer.runs.facts import LONGEST_ASSIGNMENT, MOST_LANES, Where
from explorer.settings import Settings
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

MOST_BYTES = 2**18  # of a file
MOST_EXPERIMENTS = 1000
STEMS = {"residual": "resnet"}  # first part of a network's name, where it is not the kind itself
LONGEST_TITLE = 200
_EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+")  # 1e-4, a text by YAML's own rule
_EXPONENT_STARTS = list("-+0123456789.")
_FLOAT = "tag:yaml.org,2002:float"

Value = int | float | bool | str | None


class Sweep(Settings):
    """The content of a file: experiments that differ in the recipe, each with all networks and seeds.

    Attributes:
        title: of all experiments; the values of the recipe that vary follow it.
        networks: names, trained together under each recipe.
        kinds, depths: more networks, every kind with every depth: "plain", "residual", or the first part of a name,
            such as "preresnet".
        recipe: settings of `Recipe`; a list of values makes an experiment of each.
        assignment: name of the assignment that it is a part of, see `training.assignment`.
        engine, lanes, gpus_per_run: where they train, see `Where`.
    """

    title: str = Field(default="Sweep", max_length=LONGEST_TITLE)
    networks: tuple[str, ...] = Field(default=(), max_length=1000)
    kinds: tuple[str, ...] = Field(default=(), max_length=20)
    depths: tuple[int, ...] = Field(default=(), max_length=100)
    data: str = "digits"
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1, max_length=1000)
    initial: str = ""
    assignment: str = Field(default="", max_length=LONGEST_ASSIGNMENT)
    recipe: dict[str, Value | tuple[Value, ...]] = Field(default_factory=dict)
    engine: str = "local"
    lanes: int = Field(default=0, ge=0, le=MOST_LANES)
    gpus_per_run: float = Field(default=0.0, ge=0)

    @property
    def where(self) -> Where:
        return Where(engine=self.engine, lanes=self.lanes, gpus_per_run=self.gpus_per_run)

    def plans(self) -> list[Plan]:
        """One plan for each combination of the recipe's values.

        Raises:
            BadSettings, UnknownName: no networks, too many experiments, or values that do not fit together.
        """
        if bool(self.kinds) != bool(self.depths):
            raise BadSettings("`kinds` and `depths` are given together: every kind is trained with every depth.")
        names = (
            *self.networks,
            *(f"{STEMS.get(kind, kind)}{depth}" for kind, depth in product(self.kinds, self.depths)),
        )
        if not names:
            raise BadSettings("It names no networks. Add `networks: [plain20, resnet20]`, or `kinds` and `depths`.")
        lists = {name: value if isinstance(value, tuple) else (value,) for name, value in self.recipe.items()}
        count = 1
        for name, values in lists.items():
            if not values:
                raise BadSettings(f"`recipe.{name}` is an empty list. Give a value, or leave it out.")
            count *= len(values)
        if count > MOST_EXPERIMENTS:
            raise BadSettings(
                f"The lists of `recipe` make {count:,} experiments; at most {MOST_EXPERIMENTS:,} are started from one "
                "file. Split it."
            )
        return [self._plan(names, dict(zip(lists, values, strict=True))) for values in product(*lists.values())]

    def _plan(self, names: tuple[str, ...], recipe: dict[str, Value]) -> Plan:
        varied = ", ".join(f"{k} {v}" for k, v in recipe.items() if isinstance(self.recipe[k], tuple))
        title = f"{self.title}: {varied}" if varied else self.title
        try:
            return Plan(
                networks=names,
                data=self.data,
                recipe=Recipe(**recipe),
                seeds=self.seeds,
                title=title[:LONGEST_TITLE],
                initial=self.initial,
                assignment=self.assignment,
            )
        except BadSettings as error:
            raise BadSettings(f"{varied}: {error}" if varied else str(error)) from None


def read_sweep(path: Path) -> tuple[list[Plan], Where]:
    """The plans in a file, and where they train.

    Raises:
        StorageError: it cannot be read, or is neither YAML nor JSON.
        BadSettings: a value in it is not allowed; the message names the file and the setting.
    """
    try:
        content = read_file(path, MOST_BYTES)
    except FileNotFoundError:
        raise StorageError(f"There is no file {path}. Give the path of a .yaml or .json file.") from None
    return parse_sweep(content, str(path))


def parse_sweep(content: bytes, name: str) -> tuple[list[Plan], Where]:
    """`read_sweep` of a file's content.

    Args:
        name: of the file, in messages; YAML unless it ends in .json.
    """
    if len(content) > MOST_BYTES:
        raise StorageError(f"{name} has {len(content):,} bytes; a plan has at most {MOST_BYTES:,}.")
    values = parse_json(content, name) if name.endswith(".json") else _yaml(content, name)
    try:
        if not isinstance(values, dict):
            raise BadSettings(f"It holds {quoted(values)}, not settings such as `networks: [plain20, resnet20]`.")
        for setting in values:
            if not isinstance(setting, str):
                raise BadSettings(f"{quoted(setting)} is not the name of a setting.")
        sweep = Sweep(**values)
        return sweep.plans(), sweep.where
    except ExplorerError as error:
        raise BadSettings(f"{name}: {error}") from None


def yaml_text(values: Mapping[str, Any]) -> str:
    """Plain values as YAML that `read_sweep` reads as the same values."""
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc] # yaml has no types here
        def represent_list(self, data: Any) -> Any:
            short = not any(isinstance(each, dict | list) for each in data)  # on one line
            return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=short)

    Dumper.add_representer(list, Dumper.represent_list)
    Dumper.add_implicit_resolver(_FLOAT, _EXPONENT, _EXPONENT_STARTS)  # so that a title such as 1e5 is quoted
    return str(yaml.dump(dict(values), Dumper=Dumper, sort_keys=False, allow_unicode=True))


def _yaml(content: bytes, name: str) -> Any:
    """The content of a YAML file of plain values, without aliases, repeated names and tags."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc] # yaml has no types here
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.MarkedYAMLError(
                    problem="aliases are not used here", problem_mark=self.peek_event().start_mark
                )
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key.value!r} occurs twice", problem_mark=key.start_mark)
                seen.add(str(key.value))
            return dict(super().construct_mapping(node, deep))

    Loader.add_implicit_resolver(_FLOAT, _EXPONENT, _EXPONENT_STARTS)
    try:
        return yaml.load(content.decode(), Loader)  # noqa: S506 a safe loader
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise StorageError(f"{name}{line}: {one_line(error.problem)}. Correct it, then try again.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise StorageError(f"{name} is not valid YAML: {reason_in(error)}.") from None
