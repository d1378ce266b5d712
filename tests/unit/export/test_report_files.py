"""The files of a report: texts of others stay text in HTML and Markdown, PNGs are drawn or their lack is told."""

import re
import zipfile
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from PIL import Image

import explorer
from explorer.cli.main import main
from explorer.errors import ExplorerError, StorageError
from explorer.export.reports import html, markdown
from explorer.export.reports.gathering import gathered
from explorer.export.reports.responses import Responses
from explorer.runs.experiments import experiment
from tests.browser.conftest import find_chromium

TITLES = {
    "script": "<script>alert(1)</script>",
    "comment": "<!--<script> --> </title> </style>",
    "image": "![x](http://127.0.0.1:1/x.png) <img src=x onerror=alert(1)>",
    "link": "[x](javascript:alert(1)) www.example.org http://example.org a@b.org",
    "marks": "`a` | **b** _c_ ~~d~~ \\e $f$ & &lt; :smile: ##",
    "heading": "# a #",
    "list": "- a",
    "numbered": "12. a",
    "rule": "---",
    "emoji": "\N{GRINNING FACE}" * 300,
}


class Read(HTMLParser):
    """The elements of a page with their attributes, and the text of each kind."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self._open = [], {}, ["", ""]
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while len(self._open) > 2 and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data


def harmless(page):
    """Nothing in it acts, leads elsewhere or loads anything."""
    for tag, attributes in page.elements:
        assert tag not in ("img", "a", "iframe", "link", "object", "base"), (tag, attributes)
        assert not any(name.startswith("on") or name in ("src", "href") for name in attributes), (tag, attributes)


def odd(make_run, title):
    """Two experiments with this title, note and reason, so that it stands in every place where it can."""
    for name in ("e1", "e2"):
        make_run("plain8", experiment=name, title=title, note=f"{title}\n{title}", reason=title, state="paused", step=5)
        make_run("plain14", experiment=name, title=title, note=f"{title}\n{title}", order=1)
    return gathered([experiment("e1"), experiment("e2")], Responses())


@pytest.mark.parametrize("kind", TITLES)
def test_texts_of_others_stay_text(make_run, kind):
    report = odd(make_run, TITLES[kind])
    _in_html(report, TITLES[kind])
    _in_markdown(report, " ".join(TITLES[kind].split()))


def _in_html(report, title):
    page = Read(html.page(report))
    harmless(page)
    assert sum(tag == "script" for tag, _ in page.elements) == 3
    assert page.texts["h1"] == f"{title}, {title}"
    assert page.texts["title"] == f"{title}, {title}"
    assert page.texts["blockquote"] == 2 * f"{title}: {title}\n{title}"
    assert page.texts["h2"].endswith("How to reproduce it"), "the page is whole"


def _in_markdown(report, title):
    page = Read(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown.text(report)))
    images = [attributes["src"] for tag, attributes in page.elements if tag == "img"]
    assert all(re.fullmatch(r"images/[a-z-]+\.png", each) for each in images)
    page.elements = [each for each in page.elements if each[0] != "img"]
    harmless(page)
    assert not {tag for tag, _ in page.elements} & {"script", "em", "s", "hr", "ol", "style", "title"}
    assert page.texts["h1"] == f"{title}, {title}"
    assert sum(tag == "h1" for tag, _ in page.elements) == 1
    assert page.texts["h2"].endswith("How to reproduce it")
    assert page.texts["td"].count(title[:60]) >= 4, "in the table of all runs"


def test_a_fence_is_longer_than_the_backticks_in_its_code(make_run):
    make_run("plain8", title="```` </code>")
    page = Read(MarkdownIt("commonmark").render(markdown.text(gathered([experiment("e1")], Responses()))))
    assert "title='```` </code>'" in page.texts["code"]


def test_markdown_is_a_folder_or_a_zip_with_the_same_files(make_run, tmp_path, monkeypatch):
    make_run("plain8")
    monkeypatch.setattr(markdown, "pngs", lambda figures, width: [b"png" for _ in figures])
    assert explorer.report("e1", to=tmp_path / "here", markdown=True, responses=False) == tmp_path / "here/report.md"
    explorer.report("e1", to=tmp_path / "there.zip", markdown=True, responses=False)
    with zipfile.ZipFile(tmp_path / "there.zip") as packed:
        names = {f"here/{name}" for name in packed.namelist()}
    assert names == {str(path.relative_to(tmp_path)) for path in (tmp_path / "here").rglob("*.*")}
    images = re.findall(r"\]\((.*?)\)", (tmp_path / "here/report.md").read_text())
    assert all((tmp_path / "here" / each).is_file() for each in images)
    assert len(images) == len(names) - 1 == 2
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="is a file; Markdown has images beside it. Name a folder or a .zip."):
        explorer.report("e1", to=tmp_path / "file", markdown=True, responses=False)


@pytest.mark.skipif(find_chromium() is None, reason="no chromium on this machine; on Debian: apt-get install chromium")
def test_kaleido_draws_pngs_of_twice_the_pixels(make_run, tmp_path):
    pytest.importorskip("kaleido")
    make_run("plain8")
    explorer.report("e1", to=tmp_path, markdown=True, responses=False)
    with Image.open(tmp_path / "images" / "curves.png") as png:
        assert png.format == "PNG"
        assert png.width == 2 * markdown.WIDTH
        assert png.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255), "a viewer's page may be dark"


def test_without_kaleido_or_a_browser_the_next_step_is_told_and_html_goes_on(make_run, tmp_path, monkeypatch):
    make_run("plain8")
    with monkeypatch.context() as patched:
        patched.setattr("explorer.export.pictures.find_spec", lambda name: None)
        with pytest.raises(ExplorerError, match="`python -m pip install -r requirements-export.txt`. HTML needs"):
            explorer.report("e1", to=tmp_path / "md", markdown=True, responses=False)
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    with pytest.raises(ExplorerError, match="PNG needs a Chrome or Chromium, .* BROWSER_PATH. HTML needs nothing."):
        explorer.report("e1", to=tmp_path / "md", markdown=True, responses=False)
    assert not (tmp_path / "md").exists()
    assert explorer.report("e1", to=tmp_path, responses=False) == tmp_path / "e1.html"


def test_the_command_writes_the_file_and_says_where(make_run, tmp_path, capsys, monkeypatch):
    make_run("plain8")
    make_run("plain14", experiment="e2")
    monkeypatch.chdir(tmp_path)
    assert main(["report", "e1", "--no-responses"]) == 0
    assert capsys.readouterr().out == "written to e1.html\n"
    assert main(["report", "e1", "e2", "e1", "--to", "new/both.html", "--no-responses", "--json"]) == 1
    assert "both.html could not be written" in capsys.readouterr().err
    assert main(["report", "e1", "e2", "e1", "--to", "both.html", "--no-responses", "--json"]) == 0
    assert f'"path": "{tmp_path}/both.html"' in capsys.readouterr().out
    assert (tmp_path / "e1.html").read_text().startswith("<!DOCTYPE html>")
    assert "2 experiments, 2 runs" in (tmp_path / "both.html").read_text()
