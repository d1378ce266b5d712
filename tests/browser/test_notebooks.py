"""The built notebooks as viewers without scripts and network show them: every figure is in view, nothing is run."""

import nbconvert
import nbformat
import pytest

from notebooks.build import SOURCES, built_path, figures

pytestmark = pytest.mark.browser


def test_every_figure_shows_without_scripts_and_network(chromium, tmp_path):
    """nbconvert's pages ask for scripts elsewhere (MathJax, require.js); GitHub runs none at all."""
    exporter = nbconvert.HTMLExporter()
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, java_script_enabled=False, offline=True)
    tab = context.new_page()
    for source in SOURCES:
        notebook = nbformat.read(built_path(source), nbformat.NO_CONVERT)
        page = tmp_path / f"{source.stem}.html"
        page.write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
        tab.goto(page.as_uri())
        pictures = tab.locator(".jp-OutputArea-output img").all()
        assert len(pictures) == len(figures(notebook)), source.stem
        for picture in pictures:
            picture.scroll_into_view_if_needed()
            box = picture.bounding_box()
            assert box["width"] > 600, (source.stem, box)
            assert 200 < box["height"] < 2000, (source.stem, box)
            assert picture.is_visible()
        answers = tab.locator("details")
        assert not any("open" in answer.evaluate("each => each.outerHTML.slice(0, 20)") for answer in answers.all())
        assert "Traceback" not in tab.locator("body").inner_text()
    context.close()
