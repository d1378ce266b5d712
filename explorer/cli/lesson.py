"""The command lesson: its findings in words, or the whole as one HTML file."""

from dataclasses import asdict
from pathlib import Path

from explorer.cli.output import AsJson, show
from explorer.files import write_text_atomically
from explorer.processes import wait_passively
from explorer.studies.lesson import document


def lesson(*, html: Path | None = None, lang: str = "en", experiment: str = "", json: AsJson = False) -> int:
    """Tell the lesson "Deep residual learning in ten pictures": what each step asks, and what these runs show.

    Args:
        html: write the lesson with its figures to this file, which opens in any browser, also offline.
        lang: language, such as ko.
        experiment: id of a finished one with plain and residual networks of two depths; left out, the shipped networks.
    """
    wait_passively()
    steps = document.steps(experiment, lang)
    rows = [asdict(each.asked) | {"right": each.right, "finding": " ".join(each.finding)} for each in steps]
    result: dict[str, object] = {"experiment": experiment or steps[0].experiment, "steps": rows}
    lines = [f"{row['number']}. {row['title']}\n   {row['question']}\n   {row['finding']}" for row in rows]
    if html is not None:
        write_text_atomically(html, document.page(steps, lang))
        result["path"] = str(html)
        lines.append(f"written to {html}")
    return show(result, "\n".join(lines), as_json=json)
