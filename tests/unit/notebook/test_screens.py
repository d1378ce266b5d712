"""What a cell shows, with IPython's displays replaced by a list."""

import re
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

import explorer
from explorer.notebook import screens, watched
from explorer.notebook.moments import Moment, RunMoment


class Kernel:
    """A shell with its displays: each output is [the last text or bundle, how often it was replaced]."""

    execution_count = 1
    kernel = object()

    def __init__(self):
        self.outputs = []

    def display(self, shown, raw=False):
        self.outputs.append([shown, 0])

    def displays(self):
        kernel = self

        class Handle:
            def display(self, shown):
                kernel.outputs.append([shown, 0])
                self.place = len(kernel.outputs) - 1

            def update(self, shown):
                kernel.outputs[self.place] = [shown, kernel.outputs[self.place][1] + 1]

        return SimpleNamespace(DisplayHandle=Handle, HTML=str, display=self.display)


@pytest.fixture
def kernel(monkeypatch):
    found = Kernel()
    for module in (screens, watched, explorer.watch.__globals__):
        place = module if isinstance(module, dict) else vars(module)
        monkeypatch.setitem(place, "shell", lambda: found)
        monkeypatch.setitem(place, "ipython", found.displays)
    return found


RECIPE = explorer.Recipe(
    steps=20, batch_size=16, train_images=64, evaluate_every=10, evaluate_images=20, last_images=20
)


def test_curves_grow_in_place_and_the_figure_stays_at_the_end(kernel, monkeypatch):
    monkeypatch.setattr("explorer.notebook.watch.REFRESH_SECONDS", 0.0)
    monkeypatch.setattr("explorer.notebook.watch.MOST_SECONDS", 0.0)
    lengths = []
    write = screens.Cell._write

    def noted(self, text):
        lengths.extend(len(way.split("L")) for way in re.findall(r'class="line" d="(.*?)"', text)[:1])
        write(self, text)

    monkeypatch.setattr(screens.Cell, "_write", noted)
    monkeypatch.setattr(
        "explorer.notebook.here.Here.advance", lambda self, seconds, stopped: [self._step(t) for t in self._going()]
    )
    result = explorer.watch(explorer.train("plain8-w4", "digits", RECIPE, device="cpu"))
    assert lengths == list(range(1, 20))  # a point a step; at the end plotly's figure is there instead
    (text, replaced), (bundle, _) = kernel.outputs
    assert replaced > 20
    assert text.startswith("<div><p><progress max=")
    assert "Finished." in text
    assert "<svg" not in text
    assert bundle["text/plain"] == "Training and test error of plain8-w4, step by step (a plotly figure)"
    assert ET.fromstring(bundle["image/svg+xml"]).tag.endswith("svg")
    result._ipython_display_()
    assert len(kernel.outputs) == 2  # the cell that has just shown it does not show it twice
    kernel.execution_count += 1
    result._ipython_display_()
    assert "Finished." in kernel.outputs[2][0]
    assert kernel.outputs[3][0]["image/svg+xml"] == bundle["image/svg+xml"]


def test_texts_of_others_are_harmless():
    run = RunMoment("r", "<script>n", 0, "running", 1, 2, (None, 0.5), trouble="<img src=x> `rm *`")
    text = screens.moment_html(Moment((run,), active=True, running=True, sentence="<b>"), 100.0)
    assert "<script>" not in text
    assert "<img" not in text
    assert "&lt;img src=x&gt; <code>rm *</code>" in text
    assert "&lt;b&gt; About 2 min left." in text


def test_many_runs_are_shown_as_means_over_the_seeds_of_networks():
    runs = [RunMoment(f"r{n}", "plain8", n, "running", 4 + n, 9, (n / 10, 0.5)) for n in range(5)]
    runs += [RunMoment(f"q{n}", f"resnet{n}", 0, "queued", 0, 9, (None, None), trouble="<late>") for n in range(20)]
    text = screens.moment_html(Moment(tuple(runs), active=True, running=True, sentence="Training."))
    assert text.count("<tr>") == 1 + screens.MOST_ROWS
    assert "<td>plain8</td><td>5</td><td>running</td><td>4 of 9</td><td>20.0 %</td><td>50.0 %</td>" in text
    assert "9 more networks are in <code>.errors</code> of the result." in text
    assert text.count("&lt;late&gt;") == screens.MOST_ROWS


def test_without_a_kernel_there_is_no_cell():
    assert screens.shell() is None
