"""The command report: experiments as one file for others."""

from pathlib import Path

from explorer.cli.output import AsJson, message, show
from explorer.cli.runs import Ids, find
from explorer.numerals import counted
from explorer.processes import wait_passively


def report(
    identities: Ids,
    /,
    *,
    to: Path = Path(),
    markdown: bool = False,
    no_responses: bool = False,
    json: AsJson = False,
) -> int:
    """Write a report on experiments: findings, curves, verdicts, responses, networks, recipe, data, how to repeat it.

    One HTML file that opens in any browser, also offline; several experiments are compared in it.

    Args:
        to: an .html file, or a folder for it; with --markdown a folder or a .zip; by default the current folder.
        markdown: Markdown with PNGs instead, which needs requirements-export.txt and a Chrome or Chromium.
        no_responses: leave out the responses of the layers, which take a second or more for each network.
    """
    from explorer.export.reports import gathering, responses, writing

    found = gathering.readable([find(identity)[0] for identity in identities])
    if not no_responses:
        wait_passively()
        count = min(len(responses.references(found)), responses.MOST)
        if count:
            message(f"Measuring the responses of {counted(count, 'network')} ...")
    path = writing.write(found, to, as_markdown=markdown, responses=not no_responses)
    document = {"ids": [each.id for each in found], "path": path.resolve()}
    return show(document, f"written to {path}", as_json=json)
