"""Numbers and names are written in one form in all texts that pages, figures and the shell show."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("explorer/**/*.py"), *ROOT.glob("pages/*.py")])
TEXTS = sorted([*ROOT.glob("explorer/ui/lesson/en/*.md"), *ROOT.glob("explorer/ui/*.toml")])
NOT_SHOWN = {"models/code", "models/names.py"}  # code that is generated, and the grammar of names

# Form: what breaks it. Korean puts no space before the sign of percent.
FORMS = {
    "8.4 %": re.compile(r"[\d}]%(?![.{(%\w]|[^<]*;)|^[.,]?\d?%$"),
    "3×3": re.compile(r"(?<![\w-])[\d}]+ ?x ?[\d{]+(?!\w)| x \{|\} x "),
    "one-cycle": re.compile(r"\w one_cycle|one_cycle \w"),
}


def _texts(path):
    """The string constants of a module with their lines, without docstrings and values of settings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, ast.unparse(node)[2:-1]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


@pytest.fixture(scope="module")
def texts():
    """Path and line of each text of the sources, and the text."""
    return [
        (f"{path.relative_to(ROOT)}:{line}", text)
        for path in SOURCES
        if not any(f"explorer/{part}" in str(path) for part in NOT_SHOWN)
        for line, text in _texts(path)
        if "stride_on" not in text and text not in {"3x3", "1x1"}
    ]


@pytest.mark.parametrize("form", FORMS)
def test_one_form(form, texts):
    broken = {
        f"{place}: {text[max(0, found.start() - 30) : found.end() + 15]}"
        for place, text in texts
        for found in FORMS[form].finditer(text)
    }
    broken |= {
        f"{path.relative_to(ROOT)}: {line}"
        for path in TEXTS
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(FORMS[form], re.sub("[가-힣].*", "", line))
    }
    assert not broken, "\n".join(sorted(broken))
