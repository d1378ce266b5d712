"""The terms of the app in English and Korean, read once from glossary.toml, which imports no torch.

    st.number_input("Seeds", help=glossary.explain("seed", note="Runs per network."))
    glossary.explain("step", "epoch", language="ko")
    glossary.terms()["seed"].ko.text

The page pages/glossary.py shows all of them; `glossary?term=seed&lang=ko` is the address of one.
"""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import Field

from explorer.registry import lookup
from explorer.settings import Settings

FILE = Path(__file__).with_suffix(".toml")
LANGUAGES = {"en": "English", "ko": "한국어"}


class Entry(Settings):
    """A term and its explanation in one language, in Markdown."""

    term: str = Field(min_length=1)
    text: str = Field(min_length=1)


class Term(Settings):
    """A term in all languages.

    Attributes:
        source: publication that defines it.
        page: name of the page of the app that shows it.
        see: ids of related terms.
    """

    en: Entry
    ko: Entry
    source: str = ""
    page: str = ""
    see: tuple[str, ...] = ()

    def entry(self, language: str) -> Entry:
        """In this language; in English where it is not in this one."""
        return {"ko": self.ko}.get(language, self.en)


class Group(Settings):
    """Terms of one subject by id, with the title of the subject by language."""

    title: dict[str, str]
    terms: dict[str, Term]


@cache
def groups() -> tuple[Group, ...]:
    """All terms in the order of the page.

    Raises:
        BadSettings: the file is incomplete.
    """
    return tuple(Group(**group) for group in tomllib.loads(FILE.read_text(encoding="utf-8")).values())


@cache
def terms() -> dict[str, Term]:
    """All terms by id."""
    return {name: term for group in groups() for name, term in group.terms.items()}


def explain(*names: str, note: str = "", language: str = "en") -> str:
    """Markdown for `help=`: a note about the control itself, then the terms with these ids.

    Raises:
        UnknownName: there is no such term.
    """
    entries = [lookup(terms(), name, "term").entry(language) for name in names]
    return "\n\n".join([*filter(None, [note]), *(f"**{each.term}**: {each.text}" for each in entries)])


def found(text: str, language: str) -> dict[str, Term]:
    """The terms that contain all words of `text`, in this language or in English; all for an empty one."""
    words = text.casefold().split()
    return {name: term for name, term in terms().items() if all(each in _searched(term, language) for each in words)}


def _searched(term: Term, language: str) -> str:
    entries = term.en, term.entry(language)
    return " ".join(f"{each.term} {each.text}" for each in entries).casefold()
