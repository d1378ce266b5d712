"""The drawing of the layers is true: one test a rule, each names all violations at once."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("explorer/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "streamlit_app.py"])
SCRIPTS = [
    path for folder in ("tests", "benchmarks", "notebooks", "checkpoints") for path in ROOT.glob(f"{folder}/**/*.py")
]

# Packages and single modules of `explorer`, from the bottom up, and what each may import.
BASE = {"block_results", "cache", "cards", "errors", "escaping", "files", "glossary", "labels", "machine",
        "map_results", "numerals", "processes", "progress", "registry", "results", "scratch", "seals", "settings",
        "tables", "version"}  # fmt: skip
ALLOWED = dict.fromkeys(BASE, BASE) | {
    "models": BASE,
    "data": BASE,
    "runs": BASE | {"models", "data"},
    "figures": BASE | {"models"},
    "analysis": BASE | {"models"},
    "attribution": BASE | {"models"},
    "training": BASE | {"models", "data", "runs"},
    "weights": BASE | {"models", "data", "runs", "training"},
    "studies": BASE | {"models", "data", "runs", "analysis", "attribution", "training", "weights", "figures"},
    "compute": BASE | {"data", "runs", "training", "weights", "studies"},
    "export": BASE | {"models", "data", "runs", "analysis", "attribution", "training", "weights", "figures", "studies"},
    "notebook": BASE | {"models", "runs", "analysis", "training", "figures", "studies"},
    "cli": BASE | {"models", "data", "runs", "analysis", "attribution", "training", "weights", "figures", "studies",
                   "export"},
    "__main__": {"cli"},
    "ui": BASE | {"models", "data", "runs", "analysis", "attribution", "training", "weights", "figures", "studies",
                  "compute", "export"},
    "pages": {"ui", "data", "glossary"},
    "streamlit_app": {"ui", "files"},
}  # fmt: skip

# Which packages may import a library.
FENCES = {
    "streamlit": {"ui", "pages", "streamlit_app"},
    "captum": {"attribution"},
    "plotly": {"figures"},
    "tyro": {"cli"},
    "torch": {"models", "data", "runs", "analysis", "attribution", "training", "weights", "studies", "export"},
    "torchvision": {"data", "weights"},
    "ray": {"training"},
    "submitit": {"training"},
    "tensorboard": {"export"},
    "kaleido": {"export"},
    "IPython": {"notebook"},
    "yaml": {"training"},
    "pyarrow": {"export"},
}
EXCEPTIONS = {("explorer.ui.widgets.chart_script", "plotly")}  # the app hands plotly's own script to the browser

# Modules, and packages with all of theirs, whose import does not import PyTorch: what the server and the shell load.
WITHOUT_TORCH = [
    "explorer", *BASE, "figures", "compute", "export", "cli", "ui", "pages", "streamlit_app", "__main__",
    "models.config", "models.names", "models.catalogue", "models.description", "models.size", "models.code",
    "data.pictures", "data.own_folders", "runs.experiments", "runs.checkpoint_facts", "runs.metrics",
    "notebook.watch", "notebook.watched", "notebook.screens", "training.following",
    "training.recipe", "training.plan", "training.launch", "training.lanes", "training.lockstep", "training.watchdog",
    "attribution.methods", "analysis.answers", "analysis.verdict", "studies.map_files", "studies.degradation",
    "studies.shipped_lesions", "models.operations", "analysis.block_choices",
    "analysis.inside_blocks", "analysis.lesion_findings", "analysis.agreement_finding", "analysis.layer_findings",
    "analysis.block_findings",
]  # fmt: skip

TORCH = {"torch", "torchvision", "captum", "onnx"}  # and what imports it
MOST_LINES = 400


@dataclass(frozen=True)
class Import:
    """That one module imports another.

    Attributes:
        name: with what is taken from the module: `explorer.errors.BadSettings`.
        at_once: when the module is imported, not only when one of its functions runs.
        typing: for type checkers only.
    """

    name: str
    at_once: bool
    typing: bool


def name_of(source: Path) -> str:
    """explorer/runs/store.py -> explorer.runs.store; pages/train.py -> pages.train."""
    parts = source.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(source): source for source in SOURCES}


def package_of(module: str) -> str | None:
    """The key of `ALLOWED` a module belongs to; None for libraries and for `explorer` itself."""
    first, _, rest = module.partition(".")
    package = rest.partition(".")[0] if first == "explorer" else first
    return package if package in ALLOWED else None


def module_of(name: str) -> str:
    """The module of ours that a name is or is in; the name itself where it is not of ours."""
    return name if name in MODULES else name.rpartition(".")[0] if name.rpartition(".")[0] in MODULES else name


@cache
def imports(module: str) -> list[Import]:
    """All imports of a module of ours."""
    source = MODULES[module]
    package = module.split(".") if source.name == "__init__.py" else module.split(".")[:-1]

    def found(node: ast.AST, at_once: bool, typing: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(each.name, at_once, typing) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(f"{origin}.{each.name}", at_once, typing) for each in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for each in node.body:
                yield from found(each, at_once, True)
            for each in node.orelse:
                yield from found(each, at_once, typing)
        else:
            later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for each in ast.iter_child_nodes(node):
                yield from found(each, at_once and not later, typing)

    return list(found(ast.parse(source.read_text(encoding="utf-8")), True, False))


def violations(found: Iterable[str]) -> None:
    """Fails with all that was found."""
    lines = sorted(set(found))
    assert not lines, "\n" + "\n".join(lines)


def test_every_module_belongs_to_a_package_of_the_table():
    violations(name for name in MODULES if name != "explorer" and package_of(name) is None)


def test_packages_import_only_what_the_table_allows():
    violations(
        f"{module} imports {each.name}"
        for module in MODULES
        if (package := package_of(module)) is not None  # explorer/__init__.py hands out names of all, lazily
        for each in imports(module)
        if (other := package_of(each.name)) is not None and other != package and other not in ALLOWED[package]
    )


def test_the_table_itself_has_no_circle():
    above = {package: allowed - BASE for package, allowed in ALLOWED.items()}
    violations(" > ".join(circle) for circle in circles(above))


def test_libraries_stay_behind_their_fences():
    violations(
        f"{module} imports {each.name}"
        for module in MODULES
        for each in imports(module)
        if (library := each.name.partition(".")[0]) in FENCES
        and package_of(module) not in FENCES[library]
        and not each.typing
        and (module, library) not in EXCEPTIONS
    )


def test_folders_of_figures_do_not_import_each_other():
    folders = {path.parent.name for path in ROOT.glob("explorer/figures/*/*.py")}
    violations(parted("explorer.figures", folders, may_be_imported=set(), may_import=set()))


def test_wings_of_the_app_do_not_import_each_other():
    wings = {path.parent.name for path in ROOT.glob("explorer/ui/*/*.py")}
    assert "widgets" in wings
    violations(parted("explorer.ui", wings, may_be_imported={"widgets"}, may_import={"main", "server"}))


def test_a_page_imports_only_the_wing_of_its_name():
    wings = {path.parent.name for path in ROOT.glob("explorer/ui/*/*.py")}
    violations(
        f"{module} imports {each.name}"
        for module in MODULES
        if module.startswith("pages.")
        for each in imports(module)
        if (parts := each.name.split("."))[:2] == ["explorer", "ui"]
        and parts[2] in wings - {"widgets", module.removeprefix("pages.")}
    )


def parted(package: str, folders: set[str], *, may_be_imported: set[str], may_import: set[str]) -> Iterator[str]:
    """Imports into a folder of a package from elsewhere in it."""
    for module in MODULES:
        if not module.startswith(f"{package}."):
            continue  # the package itself hands out names of all folders
        own = module.split(".")[2]
        for each in imports(module):
            parts = each.name.split(".")
            if ".".join(parts[:2]) == package and len(parts) > 2 and own not in may_import:
                other = parts[2]
                if other in folders and other != own and other not in may_be_imported:
                    yield f"{module} imports {each.name}"


def test_no_module_imports_itself_through_others():
    """Neither at once, nor inside of functions, nor for type checkers."""
    graph = {module: {module_of(each.name) for each in imports(module)} & set(MODULES) - {module} for module in MODULES}
    violations(" > ".join(circle) for circle in circles(graph))


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """A shortest circle through each node, where it begins with the first of its names; others contain such a one."""
    for start in graph:
        circle = shortest_way(start, lambda node: graph.get(node, ()), lambda node, start=start: node == start)
        if circle and start == min(circle):
            yield circle


def test_no_file_is_longer_than_a_reader_can_hold():
    lengths = {name: len(source.read_text(encoding="utf-8").splitlines()) for name, source in MODULES.items()}
    violations(
        f"{name} has {lines} lines of at most {MOST_LINES}" for name, lines in lengths.items() if lines > MOST_LINES
    )


def test_what_the_server_and_the_shell_load_imports_no_torch():
    for name in WITHOUT_TORCH:
        assert any(belongs(module, name) for module in MODULES), f"there is no {name}"
    ways = [
        way
        for module in MODULES
        if any(belongs(module, name) for name in WITHOUT_TORCH)
        if (way := way_to_torch(module))
    ]
    shortest = {way[-2]: way for way in sorted(ways, key=len, reverse=True)}
    violations(" > ".join(way) for way in shortest.values())


def belongs(module: str, name: str) -> bool:
    full = name if name.split(".")[0] in ("explorer", "pages", "streamlit_app") else f"explorer.{name}"
    return module == full or (full != "explorer" and module.startswith(f"{full}."))


def way_to_torch(module: str) -> list[str]:
    """The modules by which importing one of ours imports PyTorch; empty where it does not."""
    return shortest_way(module, imported_at_once, lambda name: name.partition(".")[0] in TORCH)


def imported_at_once(module: str) -> Iterator[str]:
    for each in imports(module) if module in MODULES else ():
        if each.at_once and not each.typing:
            parts = module_of(each.name).split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))  # with the packages it lies in


def shortest_way(start: str, following: Callable[[str], Iterable[str]], is_end: Callable[[str], bool]) -> list[str]:
    """The nodes from one to the next end, by at least one step; empty where none is reached."""
    ways, seen = [[start]], set()
    while ways:
        way = ways.pop(0)
        for node in sorted(following(way[-1])):
            if is_end(node):
                return [*way, node]
            if node not in seen:
                seen.add(node)
                ways.append([*way, node])
    return []


def test_every_torch_load_says_weights_only():
    def wrong(source: Path) -> Iterator[str]:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                said = {keyword.arg: keyword.value for keyword in node.keywords}.get("weights_only")
                if not isinstance(said, ast.Constant) or said.value is not True:
                    yield f"{source.relative_to(ROOT)}:{node.lineno} does not say weights_only=True"

    violations(line for source in [*SOURCES, *SCRIPTS] for line in wrong(source))


WITHOUT_TORCH_CODE = {
    "import": "import explorer",
    "figures": "import explorer.figures",
    "exported maps": "import explorer.studies.map_files",
    "settings": "import explorer; explorer.Recipe(), explorer.NetworkConfig(depth=20), explorer.experiments()",
    "menus of attribution methods": "from explorer.attribution.methods import METHODS; assert METHODS",
    "what pages poll": "import explorer.training.launch, explorer.runs.experiments as e; e.list_experiments()",
    "starting from a checkpoint": """
import hashlib, os, pathlib
from explorer.models.config import NetworkConfig
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.training.launch import queue
from explorer.training.plan import Plan
path = pathlib.Path(os.environ["EXPLORER_HOME"]) / "small.safetensors"
path.write_bytes(b"weights")
network = NetworkConfig(depth=8, shortcut="none", channels=1)
facts = CheckpointFacts(network=network, sha256=hashlib.sha256(b"weights").hexdigest())
path.with_suffix(".json").write_text(facts.model_dump_json())
queue(Plan(networks=("plain8",), initial=str(path)))""",
    "pictures": """
from explorer.analysis.answers import ranked_images
from explorer.data.pictures import picture
picture("test:1", data="digits"), picture("china.jpg")""",
    "command line": """
from explorer.cli.main import main
main(["networks"]), main(["methods"]), main(["data", "status"]), main(["runs", "list"])
main(["attribute", "resnet8", "--target", "cat"])""",
    "pages": f"""
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(ROOT / "explorer/ui/main.py")!r}, default_timeout=60).run()
for page in ("degradation", "train", "runs", "data"):
    assert not app.exception, app.exception
    app.switch_page(f"../../pages/{{page}}.py").run()
for view in ("Drawing", "Numbers", "Differences", "Memory and time", "Code"):
    assert not app.exception, app.exception
    app.switch_page("../../pages/build.py")
    app.query_params.update(network="resnet50", beside="densenet-40-12", size="64", build_view=view)
    app.run()
assert not app.exception, app.exception""",
}

# Runs each piece of code with PyTorch out of reach: one that asks for it fails, and so does nothing after it.
OUT_OF_REACH = """
import json, sys, traceback

class OutOfReach:
    asked = False

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "captum"):
            OutOfReach.asked = True
            raise ImportError(f"{name} was asked for")

sys.meta_path.insert(0, OutOfReach())
trouble = {}
for what, code in json.loads(sys.argv[1]).items():
    OutOfReach.asked, said = False, ""
    try:
        exec(code, {})
    except BaseException:
        said = traceback.format_exc()
    if OutOfReach.asked or said:
        trouble[what] = said or "PyTorch was asked for"
sys.exit("\\n".join(f"{what}: {said}" for what, said in trouble.items()) or None)
"""


@pytest.mark.thorough
def test_what_pages_and_shell_do_first_works_without_torch(tmp_path):
    environment = {"EXPLORER_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OUT_OF_REACH, json.dumps(WITHOUT_TORCH_CODE)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
