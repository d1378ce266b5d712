"""The drawing of the layers is true: lower code never imports higher code, and libraries stay behind their fences."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("explorer/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "streamlit_app.py"])

# From the bottom up. Parts of one row are siblings and do not import each other, except in the first row.
LAYERS = [
    {
        *(
            "errors",
            "escaping",
            "files",
            "numerals",
            "processes",
            "progress",
            "registry",
            "results",
            "scratch",
            "seals",
        ),
        *("settings", "tables"),
    },
    {"models", "data"},
    {"runs"},
    {"analysis", "attribution", "training"},
    {"weights"},
    {"figures"},
    {"studies"},
    {"compute"},
    {"ui", "cli"},
    {"pages", "streamlit_app", "__main__"},
]
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

# Which parts may import a library.
FENCES = {
    "streamlit": {"ui", "pages", "streamlit_app"},
    "captum": {"attribution"},
    "plotly": {"figures"},
    "tyro": {"cli"},
}
TORCH_FREE = LAYERS[0] | {"figures", "compute", "pages", "streamlit_app", "__main__"}


def name_of(source: Path) -> str:
    """explorer/runs/store.py -> explorer.runs.store; pages/train.py -> pages.train."""
    parts = source.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str | None:
    """The part of the drawing a module belongs to; None for other people's modules and for `explorer` itself."""
    first, _, rest = module.partition(".")
    part = rest.partition(".")[0] if first == "explorer" else first
    return part if part in RANK else None


def imports(source: Path) -> Iterator[str]:
    """Full names of all that a file imports, inside functions too."""
    package = name_of(source).split(".")
    package = package if source.name == "__init__.py" else package[:-1]
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def each_source(function):
    return pytest.mark.parametrize("source", SOURCES, ids=name_of)(function)


@each_source
def test_every_file_has_a_place_in_the_drawing(source):
    assert name_of(source) == "explorer" or part_of(name_of(source)) is not None


@each_source
def test_a_lower_layer_never_imports_a_higher_one_nor_a_sibling(source):
    part = part_of(name_of(source))
    if part is None:  # explorer/__init__.py hands out names of all layers, lazily
        return
    for module in imports(source):
        other = part_of(module)
        if other is not None and other != part:
            allowed = RANK[other] < RANK[part] or RANK[other] == RANK[part] == 0
            assert allowed, f"{name_of(source)} ({part}) imports {module} ({other})"


@each_source
def test_libraries_stay_behind_their_fences(source):
    part = part_of(name_of(source))
    for module in imports(source):
        library = module.partition(".")[0]
        if library in FENCES and part not in FENCES[library]:
            serves_script = part == "ui" and module == "plotly"  # the app hands plotly's own script to the browser
            assert serves_script, f"{name_of(source)} imports {module}"
        assert not (library in {"torch", "torchvision"} and part in TORCH_FREE), f"{name_of(source)} imports {module}"


@pytest.mark.parametrize(
    "source",
    [*SOURCES, *ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py"), *ROOT.glob("notebooks/*.py")],
    ids=lambda source: str(source.relative_to(ROOT)),
)
def test_every_torch_load_says_weights_only(source):
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            said = {keyword.arg: keyword.value for keyword in node.keywords}.get("weights_only")
            assert isinstance(said, ast.Constant), f"{source.name}:{node.lineno} does not say weights_only"
            assert said.value is True, f"{source.name}:{node.lineno} says weights_only={said.value}"


TORCH_FREE_CODE = {
    "explorer": "import explorer",
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
from explorer.analysis.answers import interesting
from explorer.data.pictures import picture
picture("test:1", data="digits"), picture("china.jpg")""",
    "command line": """
from explorer.cli.main import main
main(["networks"]), main(["methods"]), main(["data", "status"]), main(["runs", "list"])
main(["attribute", "resnet8", "--target", "cat"])""",
    "home page": f"""
from streamlit.testing.v1 import AppTest
assert not AppTest.from_file({str(ROOT / "explorer/ui/main.py")!r}).run(timeout=60).exception""",
}


@pytest.mark.parametrize("code", TORCH_FREE_CODE.values(), ids=TORCH_FREE_CODE)
def test_torch_is_not_imported_by(code, tmp_path):
    check = f"{code}\nimport sys\nassert 'torch' not in sys.modules"
    environment = {"EXPLORER_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
