"""A report as Markdown with its figures as PNG: a folder, or a zip of it."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from explorer.errors import StorageError, quoted
from explorer.escaping import fenced, in_markdown_file
from explorer.export.pictures import pngs
from explorer.export.reports import content
from explorer.files import storage_errors, write_atomically, write_bytes_atomically

PAGE, IMAGES = "report.md", "images"
WIDTH = 1100  # pixels of a figure, which its PNG has twice


def text(report: content.Report) -> str:
    """The Markdown, in which all texts are escaped; its images are beside it in `IMAGES`."""
    parts = [f"# {in_markdown_file(report.title)}", in_markdown_file(report.line), *map(_section, report.sections)]
    return "\n\n".join(parts) + "\n"


def files(report: content.Report) -> dict[str, bytes]:
    """The content of all files by their paths.

    Raises:
        ExplorerError: no PNG can be drawn here, see `pictures.pngs`.
    """
    pictures = list(report.pictures())
    drawn = pngs([picture.figure for picture in pictures], width=WIDTH)
    images = {_path(picture): png for picture, png in zip(pictures, drawn, strict=True)}
    return {PAGE: text(report).encode(), **images}


def write(report: content.Report, target: Path) -> Path:
    """Write the files into a folder, made if needed, or into a zip if the name ends so; gives the Markdown or the zip.

    Raises:
        StorageError: the folder has other files under these names, or cannot be written.
        ExplorerError: see `files`.
    """
    if target.suffix.lower() == ".zip":
        found = files(report)
        write_atomically(target, lambda file: _pack(found, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)))
        return target
    with storage_errors(target):
        is_file = target.exists() and not target.is_dir()
    if is_file:
        raise StorageError(f"{quoted(str(target))} is a file; Markdown has images beside it. Name a folder or a .zip.")
    for name, each in files(report).items():
        path = target / name
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(path, each)
    return target / PAGE


def _pack(found: Mapping[str, bytes], packed: zipfile.ZipFile) -> None:
    with packed:
        for name, each in found.items():
            packed.writestr(name, each)


def _path(picture: content.Picture) -> str:
    return f"{IMAGES}/{picture.name}.png"


def _section(section: content.Section) -> str:
    heading = [f"## {in_markdown_file(section.heading)}"] if section.heading else []
    return "\n\n".join([*heading, *map(_block, section.blocks)])


def _block(block: content.Block) -> str:
    match block:
        case content.Sentences(text, tone):
            return {"lead": "**{}**", "warning": "> {}"}.get(tone, "{}").format(_inline(text))
        case content.Quotation(text):
            return "\n".join(f"> {in_markdown_file(line)}  " for line in text.split("\n"))
        case content.Points(sentences):
            return "\n".join(f"- {_inline(each)}" for each in sentences)
        case content.Picture(_, _, alt):
            return f"![{in_markdown_file(alt)}]({_path(block)})"
        case content.Code(text, language):
            return fenced(text, language)
        case content.Grid():
            return _grid(block)


def _grid(grid: content.Grid) -> str:
    rule = ["---:" if column in grid.numbers else "---" for column in grid.columns]
    rows = [[in_markdown_file(cell) for cell in row] for row in (grid.columns, *grid.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def _inline(text: str) -> str:
    """A sentence with its code as code."""
    return "".join(f"`{part}`" if code else _within(part) for part, code in content.spans(text))


def _within(part: str) -> str:
    """A part of a line, with the spaces around it."""
    return f"{part[: len(part) - len(part.lstrip())]}{in_markdown_file(part)}{part[len(part.rstrip()) :]}"
