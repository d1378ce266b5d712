"""What a reader sees of an app under test."""

import json
import re


def texts(app):
    """Everything one can read on a page."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "code")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def shown(app):
    """The same as the browser shows it: without the backslashes that keep Markdown from meaning anything."""
    return re.sub(r"\\(?=[^\w\s])", "", texts(app))


def commands(app):
    """The shell commands on a page, one a line."""
    return "\n".join(each.value for each in app.code if each.language == "bash")


def charts(app):
    """The figures of the live charts, as plotly's own dictionaries."""
    found = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    return [json.loads(data["figure"]) for data in found if data.get("figure")]
