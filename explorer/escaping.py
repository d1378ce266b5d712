"""Escaping of untrusted text (titles, class names, file names, messages) for terminals, Markdown and figures."""

import re

from explorer.labels import in_words

_CODE = re.compile(r"((?<!`)`[^`\n]+`(?!`))")
# in Markdown; the last are links and emoji
_MARKUP = re.compile(r"[\\`*_\[\]<>|~$&@#]|^[+=-]|:(?=//|[\w+-]+:)|(?<=www)\.", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d+)([.)])")  # the beginning of a list


def in_terminal(text: str) -> str:
    """Text with control characters, direction marks and what cannot be encoded as Python escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def in_markdown(text: str) -> str:
    """Text escaped for Markdown: pages, and their labels, help texts and errors."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-=.!|~:$<>&@" else c for c in text)


def message_in_markdown(text: str) -> str:
    """A message as pages show it: settings by their labels, other text in backticks as code, the rest escaped."""
    parts = _CODE.split(in_words(text))
    return "".join(part if place % 2 else in_markdown(part) for place, part in enumerate(parts))


def in_markdown_file(text: str) -> str:
    """A line of text escaped for a Markdown file, which is read as it is too: only what would be markup there."""
    text = _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))
    return _NUMBERED.sub(r"\1\\\2", text)


def fenced(code: str, language: str) -> str:
    """Code as a block of a Markdown file, whatever fences are in it."""
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", code))]))
    return f"{fence}{language}\n{code}\n{fence}"


def in_figure(text: str) -> str:
    """Text escaped for plotly, which interprets some HTML tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
