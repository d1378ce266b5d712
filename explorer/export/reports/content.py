"""What a report is made of. All texts are plain: each kind of file escapes them in its own way."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from explorer.labels import in_words

if TYPE_CHECKING:
    from explorer.figures import Figure

_CODE = re.compile(r"`([^`\n]+)`")

Tone = Literal["lead", "text", "note", "warning"]


@dataclass(frozen=True, slots=True)
class Sentences:
    """A paragraph in words of this program; what stands in backticks is code."""

    text: str
    tone: Tone = "text"


@dataclass(frozen=True, slots=True)
class Quotation:
    """A text of a user, with its line breaks."""

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences, in which backticks are code."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts.

    Attributes:
        columns: headings, all empty for a list of facts.
        rows: a text for each column.
        numbers: the columns that are numbers, by heading.
        folded: its heading if it is long and shown on request only.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[str] = frozenset()
    folded: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A figure for a light page.

    Attributes:
        name: unique in the report, also of its file.
        alt: what it shows, in a sentence.
    """

    name: str
    figure: "Figure"
    alt: str


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be copied; `language` is "bash", "python" or "yaml"."""

    text: str
    language: str


Block = Sentences | Quotation | Points | Grid | Picture | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what belongs to it; the first section of a report has none."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says.

    Attributes:
        title: of the experiments, as their users named them.
        name: of its file, without an ending.
        line: the facts below the title.
    """

    title: str
    name: str
    line: str
    sections: tuple[Section, ...]

    def pictures(self) -> Iterator[Picture]:
        """All its figures, in order."""
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Picture):
                    yield block


def spans(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a sentence, with settings by their labels, and whether each is code."""
    for place, part in enumerate(_CODE.split(in_words(text))):
        if part:
            yield part, place % 2 == 1
