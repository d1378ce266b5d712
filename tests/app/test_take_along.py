"""What views hand out - link, Python, notebook, command - gives the table of the page, in a process of its own.

All views of the menus are opened: a new one is tested by being there.
"""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pandas as pd
import pytest

from explorer.runs import store
from explorer.ui.attributions.views import VIEWS as ATTRIBUTIONS
from explorer.ui.blocks.inside import LOOKS
from explorer.ui.blocks.studies import STUDIES as BLOCK_STUDIES
from explorer.ui.blocks.views import VIEWS as BLOCKS
from explorer.ui.build.views import VIEWS as BUILD
from explorer.ui.evaluate.views import VIEWS as EVALUATE
from explorer.ui.responses.trained import STUDIES
from explorer.ui.responses.untrained import INITIAL_STUDIES

PROJECT = Path(__file__).parents[2]
PLAIN, RESIDUAL, PRE = (f"e1-{name}-s0" for name in ("plain14-w4", "resnet14-w4", "preresnet14-w4"))
PAIR = f"{PLAIN},{RESIDUAL}"
NO_TABLE = {"drawing", "cost", "code"}  # of Build: a drawing, measured times, a program
FEW = {  # what keeps a view quick
    "xray": {"xray-networks": "resnet8-w4", "xray-seed": "2"},
    "shattering": {"shattering-networks": "resnet8-w4"},
    "probes": {"probe-images": "500"},
    "similarity": {"cka-images": "500"},
    "landscape": {"landscape-points": "5", "landscape-images": "50", "landscape-span": "0.5"},
    "agreement": {"agreement-images": "10 test images", "agreement-method": "Saliency"},
}


def _responses():
    for name, view in (STUDIES | INITIAL_STUDIES).items():
        images = {f"{name}-images": "50"} if name in STUDIES else {}
        yield f"responses-{name}", "responses", {"study": view.title, "networks": PAIR} | images | FEW.get(name, {})


def _blocks():
    for name, view in BLOCKS.items():
        query = {"study": view.title, "twins": PAIR} | FEW.get(name, {})
        if name == "studies":
            for study, each in BLOCK_STUDIES.items():
                yield f"blocks-{study}", "blocks", query | {"operation": each.title, f"{study}-images": "100"}
        elif name == "inside":
            for look, each in LOOKS.items():
                twins = {"twins": PRE} if look == "logits" else {}
                yield f"blocks-{look}", "blocks", query | {"inside": each.title} | twins
        else:
            yield f"blocks-{name}", "blocks", query
    yield "blocks-operated", "blocks", {"twins": PAIR, "operations": "delete:2.1", "block-images": "250"}
    yield "blocks-line", "blocks", {
        "study": "Loss landscape", "twins": PAIR, "landscape-where": "Line", "landscape-line-points": "11",
        "landscape-seed": "3",
    }  # fmt: skip
    yield "blocks-repeated", "blocks", {"study": "Refinement", "twins": PAIR, "refinement-shown": "Repeated blocks",
                                        "refinement-blocks": "All of stage 1"}  # fmt: skip


def _others():
    for name, view in EVALUATE.items():
        yield f"evaluate-{name}", "evaluate", {"evaluation": view.title, "networks": PAIR, "images": "200"}
    for name, view in ATTRIBUTIONS.items():
        yield f"attributions-{name}", "attributions", {"view": view.title, "networks": PAIR} | FEW.get(name, {})
    yield "attributions-targets", "attributions", {"networks": PAIR, "rows": "class explained", "target": "3"}
    for name, view in BUILD.items():
        if name not in NO_TABLE:
            yield f"build-{name}", "build", {
                "build_view": view.title, "network": "resnet20", "beside": "resnet20-b", "build_by": "Blocks",
            }  # fmt: skip
    yield "train", "train", {"experiment": "e1"}
    yield "degradation", "degradation", {"experiment": "e1"}


# Name: page and address
VIEWS = {name: (page, query) for name, page, query in (*_responses(), *_blocks(), *_others())}


@pytest.fixture(scope="module")
def fresh():
    """Asks a process of its own for the tables of Python and shell."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.export.fresh"], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip

    def ask(**asked):
        environment = {name: os.environ[name] for name in ("EXPLORER_HOME", "EXPLORER_DATA")}
        process.stdin.write(json.dumps(asked | {"environment": environment, "shipped": str(store.SHIPPED)}) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    yield ask
    process.stdin.close()
    process.wait(30)
    process.stdout.close()


@pytest.fixture
def trained(make_weights):
    """Three networks with weights."""
    for network in ("plain14-w4", "resnet14-w4", "preresnet14-w4"):
        make_weights(network)


def handed_out(app):
    """Python, command and query of the link, as the page shows them."""
    first = next(number for number, each in enumerate(app.code) if each.language == "python")
    python, command, link = (each.value for each in app.code[first : first + 3])
    return python, command, link.partition("?")[2]


def table_of(app):
    """The table that can be read on the page; None where it is made on request."""
    shown = [each for each in app.get("expander") if each.label == "As a table"]
    return shown[0].dataframe[0].value.to_csv(index=False) if shown else None


def alike(one, other):
    """Whether two tables in CSV are equal, apart from rounding and from measured seconds."""
    first, second = (pd.read_csv(io.StringIO(each)).drop(columns="seconds", errors="ignore") for each in (one, other))
    pd.testing.assert_frame_equal(first, second, check_dtype=False, rtol=1e-3, atol=1e-5)
    assert len(first)


@pytest.mark.thorough
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_hands_out_what_gives_its_table(open_page, trained, fresh, name):
    page, query = VIEWS[name]
    app = open_page(page, **query)
    if name == "attributions-trust":
        next(each for each in app.button if each.label == "Check this map").click().run()
    assert not app.error, app.error[0].value
    python, command, link = handed_out(app)
    table = table_of(app)
    options = [] if page == "train" else ["--csv"]
    answer = fresh(python=python, command=command, options=options)
    alike(answer["python"], answer["shell"])
    if table is not None:
        alike(table, answer["python"])
    again = open_page(page, **dict(parse_qsl(link)))
    assert handed_out(again)[:2] == (python, command)
    if table is not None:
        alike(table_of(again), table)
