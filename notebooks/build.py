"""Build the notebooks: percent files (.py, the source) to .ipynb with outputs that show without running.

    python -m notebooks.build [--all] [NAME ...]      (make notebooks)

Each notebook runs from top to bottom in a fresh kernel. Every interactive figure then gets a picture beside it, drawn
in the system's Chrome or Chromium, since GitHub and other viewers run no scripts. A notebook whose source has not
changed is left alone, unless it is named or --all is given.
"""

import argparse
import base64
import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
import plotly.io
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).parent
SOURCES = sorted(path for path in FOLDER.glob("*.py") if path != Path(__file__))
PLOTLY = "application/vnd.plotly.v1+json"  # JupyterLab and VS Code draw it
MOST_BYTES = 1_500_000  # of a built notebook: what GitHub and a slow line still show quickly
CELL_SECONDS = 120

# Of pictures, in pixels; a figure may have its own. JupyterLab shows a stored picture pixel by pixel, whatever the
# notebook says of its size: these fit beside its list of files in a window of 1,280 pixels.
WIDTH, HEIGHT = 840, 450


def built_path(source: Path) -> Path:
    """Where the built notebook of a source lies."""
    return source.with_suffix(".ipynb")


def is_current(source: Path) -> bool:
    """Whether the built notebook has the cells of its source; times of files mean nothing after a checkout."""
    built = built_path(source)
    return built.exists() and _cells(read(source)) == _cells(nbformat.read(built, nbformat.NO_CONVERT))


def read(source: Path) -> NotebookNode:
    """The notebook of a percent file, without outputs. Cells are numbered, so that a new build changes few lines."""
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def run(source: Path, home: Path) -> NotebookNode:
    """Run a notebook in a fresh kernel, on what comes with the program alone.

    Args:
        home: an empty folder for what the notebook writes.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = read(source)
    environment = os.environ | {
        "EXPLORER_HOME": str(home / "home"),
        "EXPLORER_DATA": str(home / "data"),  # empty: the digits are built in
        "PLOTLY_RENDERER": "plotly_mimetype",
        "PYTHONPATH": str(FOLDER.parent),
    }
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute(cwd=str(FOLDER), env=environment)
    return notebook


def outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Outputs of all cells, in order."""
    for cell in notebook.cells:
        yield from cell.get("outputs", [])


def figures(notebook: NotebookNode) -> list[NotebookNode]:
    """Outputs that are interactive figures; the attribute `data` holds the content of each form of showing."""
    return [each for each in outputs(notebook) if PLOTLY in each.get("data", {})]


def add_pictures(notebook: NotebookNode, folder: Path) -> None:
    """Put a PNG beside each interactive figure; viewers that run no scripts choose it.

    Raises:
        RuntimeError: there is no Chrome or Chromium.
    """
    found = figures(notebook)
    paths = [folder / f"{number}.png" for number in range(len(found))]
    drawn = [plotly.io.from_json(plotly.io.to_json(each.data[PLOTLY], validate=False)) for each in found]
    sizes = [(figure.layout.width or WIDTH, figure.layout.height or HEIGHT) for figure in drawn]
    plotly.io.write_images(
        drawn,
        [str(path) for path in paths],
        width=[width for width, _ in sizes],
        height=[height for _, height in sizes],
    )
    for each, path, (width, height) in zip(found, paths, sizes, strict=True):
        each.data["image/png"] = base64.b64encode(_smaller(path)).decode()
        each.metadata["image/png"] = {"width": int(width), "height": int(height)}


def _smaller(path: Path) -> bytes:
    """The picture with a palette of 256 colours, which the eye does not see; a third of the bytes."""
    smaller = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


def build(source: Path) -> int:
    """Build a notebook; gives its size in bytes.

    Raises:
        ValueError: it is too large. Nothing is written.
    """
    with tempfile.TemporaryDirectory() as folder:
        notebook = run(source, Path(folder))
        add_pictures(notebook, Path(folder))
    text = nbformat.writes(notebook) + "\n"
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ValueError(
            f"{source.name} becomes {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.1f} MB. Draw fewer points or "
            "fewer pictures."
        )
    built_path(source).write_text(text, encoding="utf-8")
    return size


def main() -> int:
    """Build what is named, else what has changed; gives the exit code."""
    parser = argparse.ArgumentParser(description="Build the notebooks with their outputs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(path.stem for path in SOURCES))
    parser.add_argument("--all", action="store_true", help="also those whose source has not changed")
    given = parser.parse_args()
    if unknown := set(given.names) - {path.stem for path in SOURCES}:
        parser.error(f"no notebook is called {', '.join(sorted(unknown))}")
    chosen = [path for path in SOURCES if path.stem in given.names or given.all]
    for source in chosen or [path for path in SOURCES if not given.names and not is_current(path)]:
        began = time.perf_counter()
        size = build(source)
        print(f"{built_path(source).name}: {size / 1e6:.2f} MB, {time.perf_counter() - began:.0f} s", flush=True)
    return 0


def _cells(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


if __name__ == "__main__":
    sys.exit(main())
