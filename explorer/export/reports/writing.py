"""Write reports on experiments, from Python and a shell."""

from collections.abc import Sequence
from pathlib import Path

from explorer.errors import BadSettings, quoted
from explorer.export.reports import html, markdown
from explorer.export.reports.gathering import gathered, readable
from explorer.export.reports.responses import Responses, measured
from explorer.files import storage_errors, write_text_atomically
from explorer.runs.experiments import Experiment, experiment

NOT_ASKED = Responses(reasons=("They were left out on request.",))


def report(*experiment_ids: str, to: Path | str = "", markdown: bool = False, responses: bool = True) -> Path:
    """Write a report on one experiment, or on several that are compared.

    It has findings, curves, errors, verdicts with their caveats, responses, networks, recipe, data, machine and how to
    reproduce it.

    Args:
        experiment_ids: such as "shipped-cifar10".
        to: of HTML, a file, or a folder in which it is named after the experiment; empty is the current folder. Of
            Markdown, a folder, which is made if needed, or a .zip file; empty is a folder named after the experiment.
        markdown: write Markdown with PNGs instead of one HTML file; needs requirements-export.txt and a Chrome.
        responses: measure the responses of the layers, which takes a second or more for each network.

    Returns:
        The HTML file, the Markdown file or the zip.

    Raises:
        RunError: there is no such experiment, or it is damaged.
        StorageError: the file cannot be written.
        BadSettings: the ending of `to` is that of another kind of file.
        ExplorerError: PNGs cannot be drawn on this machine.
    """
    return write([experiment(each) for each in experiment_ids], Path(to), as_markdown=markdown, responses=responses)


def write(found: Sequence[Experiment], target: Path, *, as_markdown: bool, responses: bool = True) -> Path:
    """`report` of experiments that are already read."""
    if as_markdown and target.suffix.lower() in (".html", ".htm", ".md"):
        raise BadSettings(
            f"`to` (={quoted(str(target))}) is one file; Markdown has images beside it. Name a folder or a .zip."
        )
    if not as_markdown and target.suffix.lower() in (".md", ".zip"):
        raise BadSettings(
            f"`to` (={quoted(str(target))}) is no HTML file. Name one that ends in .html, or ask for Markdown."
        )
    found = readable(found)
    report = gathered(found, measured(found) if responses else NOT_ASKED)
    if as_markdown:
        return markdown.write(report, target if target.name else target / report.name)
    return write_html(html.page(report), target, report.name)


def write_html(page: str, target: Path, name: str) -> Path:
    """Write the page to a file, or into a folder under this name; a path without an ending is a folder."""
    if target.suffix.lower() not in (".html", ".htm"):
        with storage_errors(target):
            target.mkdir(parents=True, exist_ok=True)
        target /= f"{name}.html"
    write_text_atomically(target, page)
    return target
