"""Text of others, such as titles, classes, file names and messages, as the places that show it must be given it.

Each of these places takes some characters for more than text: a terminal for commands, a page for links and images.
"""

import re

_CODE = re.compile(r"((?<!`)`[^`\n]+`(?!`))")


def in_terminal(text: str) -> str:
    """With control characters, marks of direction and what cannot be encoded as Python writes them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def in_markdown(text: str) -> str:
    """As typed, on a page: also in labels, help and errors, which are Markdown too."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-=.!|~:$<>&@" else c for c in text)


def message_in_markdown(text: str) -> str:
    """A message on a page: what stands between backticks is code, all else is as typed.

    Messages name titles, files and classes, which are not ours: these make neither links nor headings.
    """
    return "".join(part if place % 2 else in_markdown(part) for place, part in enumerate(_CODE.split(text)))


def in_figure(text: str) -> str:
    """As typed, in a figure: plotly makes links and more of some tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
