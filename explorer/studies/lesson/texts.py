"""The texts of the lesson: a folder of Markdown files for each language, in `explorer/ui/lesson/`.

A file is a step: its title, an introduction, then `## question`, `## guess`, `## finding` and `## limits`. Guesses and
findings are lists of `- key: text`; words in braces are replaced by measured numbers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from explorer.files import PROJECT
from explorer.registry import lookup

FOLDER = PROJECT / "explorer" / "ui" / "lesson"
ENGLISH = "en"
PAGE = "page"  # the file with the words around the steps
_ENTRY = re.compile(r"^- ([a-z0-9_]+): ", re.MULTILINE)
_HEADING = re.compile(r"^## ([a-z]+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Text:
    """One file.

    Attributes:
        parts: introduction, question and limits by name.
        guess, finding, words: lists of texts by key.
    """

    title: str
    parts: Mapping[str, str] = field(default_factory=dict)
    guess: Mapping[str, str] = field(default_factory=dict)
    finding: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


def languages() -> dict[str, str]:
    """The languages by code, each with its own name for itself; English first."""
    codes = sorted((path.parent.name for path in FOLDER.glob(f"*/{PAGE}.md")), key=lambda code: (code != ENGLISH, code))
    return {code: _file(code, PAGE).title for code in codes}


def text(language: str, name: str) -> Text:
    """A file of the lesson; what a language lacks is in English.

    Args:
        language: a code in `languages`.
        name: of a step, or `PAGE`.

    Raises:
        UnknownName: there is no such language.
    """
    lookup(languages(), language, "language of the lesson")
    base = _file(ENGLISH, name)
    if language == ENGLISH or not (FOLDER / language / f"{name}.md").is_file():
        return base
    own = _file(language, name)
    return Text(
        own.title,
        {**base.parts, **own.parts},
        {**base.guess, **own.guess},
        {**base.finding, **own.finding},
        {**base.words, **own.words},
    )


@cache
def _file(language: str, name: str) -> Text:
    return parsed((FOLDER / language / f"{name}.md").read_text(encoding="utf-8"))


def parsed(content: str) -> Text:
    """A file's content."""
    heading, _, rest = content.partition("\n")
    introduction, *sections = _HEADING.split(rest)
    found = dict(zip(sections[::2], sections[1::2], strict=True))
    parts = {"introduction": introduction.strip()}
    parts |= {name: body.strip() for name, body in found.items() if name in ("question", "limits")}
    lists = {name: _entries(body) for name, body in found.items() if name not in parts}
    return Text(heading.removeprefix("# ").strip(), {k: v for k, v in parts.items() if v}, **lists)


def _entries(body: str) -> dict[str, str]:
    _, *found = _ENTRY.split(body)
    return {key: value.strip() for key, value in zip(found[::2], found[1::2], strict=True)}


def filled(template: str, numbers: Mapping[str, str]) -> str:
    """The template with the numbers in it; a placeholder without a number stays."""
    found = re.sub(r"{(\w+)}", lambda place: numbers.get(place[1], place[0]), template)
    return _PARTICLES.sub(lambda place: place[1] + place[2 if place[1] in _WITH_FINAL_CONSONANT else 3], found)


# Korean particles in both forms, as in "plain56은(는)": the last digit decides, as it is read.
_PARTICLES = re.compile(r"(\d)([은이을과])\(([는가를와])\)")
_WITH_FINAL_CONSONANT = "013678"


def placeholders(template: str) -> set[str]:
    """The words in braces."""
    return set(re.findall(r"{(\w+)}", template))
