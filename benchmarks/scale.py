"""Hundreds to thousands of finished runs: time to list and draw them, and their size: `make bench-scale`.

Makes the runs without training, by the writers that the worker uses, in a temporary folder. A page is timed as the
server runs it, first without and then with what it cached before; its figures are what it sends to the browser.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.figures import training_curves
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.structure import layer_shapes
from explorer.runs import experiments, store
from explorer.runs.experiments import metrics
from explorer.runs.facts import RunFacts, settings_digest
from explorer.runs.metrics import MetricRow, MetricsWriter
from explorer.runs.metrics_file import metrics_sha256
from explorer.studies import degradation
from explorer.training.recipe import Recipe
from explorer.ui.widgets import live_chart
from explorer.ui.widgets.live_chart import drawn

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = [f"{kind}{depth}" for depth in (8, 14, 20, 32, 44) for kind in ("plain", "resnet")]
CHART_POINTS = 120  # of each run, as a page shows 500
MOST_IN_CHART = 1000  # runs


def make_home(runs: int, points: int, *, each: int) -> None:
    """Fill EXPLORER_HOME with experiments of `each` runs, all networks with as many seeds as that takes."""
    recipe = Recipe(steps=points, batch_size=32)
    for number in range(-(-runs // each)):
        name = f"20260101-{number:06}-aaaaaa"
        for order in range(min(each, runs - number * each)):
            seed, place = order // len(NETWORKS), (number * each + order) % len(NETWORKS)
            config = network_config(NETWORKS[place]).model_copy(update={"channels": 1})
            facts = RunFacts(
                id=f"{name}-{config.name}-s{seed}",
                experiment=name,
                title=f"Experiment {number + 1} of {each} runs",
                order=order,
                created=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
                network=config,
                data="digits",
                recipe=recipe.model_dump(),
                seed=seed,
                state="finished",
                number=number + 1,
            )
            store.create_run(facts)
            folder = store.run_folder(facts.id)
            with MetricsWriter(folder) as writer:
                writer.fill({"metrics": curve(recipe, config, seed)})
                if points > 1000:
                    writer.fill(probes(recipe, config))
            store.update_run(facts.id, settings_sha256=settings_digest(facts), metrics_sha256=metrics_sha256(folder))


def curve(recipe: Recipe, config: NetworkConfig, seed: int) -> Iterator[MetricRow]:
    """Rows of a training whose error falls to a level that depends on the network."""
    noise = np.random.default_rng([seed, config.depth]).normal(size=(recipe.steps + 1, 2))
    level = 0.1 + (0.004 if config.kind == "plain" else -0.001) * config.depth
    mean = level + (0.9 - level) * np.exp(-5 * np.arange(recipe.steps + 1) / recipe.steps) + 0.01 * noise[0, 1]
    error = np.clip(mean + 0.05 * noise[:, 0], 0, 1)
    for step, (batch, smooth) in enumerate(zip(error.tolist(), np.clip(mean, 0, 1).tolist(), strict=True)):
        trained = (2.3 * batch, batch, recipe.learning_rate) if step else (None, None, None)
        evaluated = (smooth, min(1.0, smooth + 0.02), 900.0) if recipe.evaluates_at(step) else (None, None, None)
        yield step, *trained, step * 0.035, *evaluated


def probes(recipe: Recipe, config: NetworkConfig) -> dict[str, list[tuple[object, ...]]]:
    """Layers and blocks at the steps that the recipe probes."""
    steps = [step for step in range(recipe.steps + 1) if recipe.probes_at(step)]
    path = [shape for shape in layer_shapes(config) if not shape.off_main_path]
    layers = [(number, shape.name, shape.stage, shape.block) for number, shape in enumerate(path, start=1)]
    blocks = [(stage, block) for stage, count in enumerate(config.stage_blocks, 1) for block in range(1, count + 1)]
    return {
        "layers": [(step, *keys, 1.0, 0.0, 0.5, 0.1 / keys[0], 0.1) for step in steps for keys in layers],
        "blocks": [(step, *keys, 0.5, 0.1, 1.0, 0.5) for step in steps for keys in blocks],
    }


def timed(call: Callable[[], object]) -> str:
    """Seconds that a call takes, and of them the processor's."""
    start, processor_start = time.perf_counter(), time.process_time()
    call()
    return f"{time.perf_counter() - start:.2f} s ({time.process_time() - processor_start:.2f} s processor)"


def opened(page: str, **query: str) -> AppTest:
    """A page that has not run yet."""
    app = AppTest.from_file(str(ROOT / "explorer" / "ui" / "main.py"), default_timeout=3600)
    app.query_params.update(query)
    app.switch_page(str(ROOT / "pages" / f"{page}.py"))
    return app


def measured() -> Iterator[tuple[str, str]]:
    """What was done and how long it took, with the runs of EXPLORER_HOME."""
    yield "list, first", timed(experiments.list_experiments)
    yield "list, again", timed(experiments.list_experiments)
    found = [each for each in experiments.list_experiments() if each.state != "shipped"]
    largest = max(found, key=lambda each: len(each.runs))
    ids = [run_id for each in found for run_id in each.run_ids][:MOST_IN_CHART]
    yield f"chart of {len(ids):,} runs", timed(lambda: training_curves(metrics(ids, points=CHART_POINTS)))
    yield f"verdict on {len(largest.runs):,} runs", timed(lambda: degradation.report([largest]))
    opened("home").run()  # imports what pages need
    for name in ("runs", "degradation", "train"):
        app = opened(name, experiment=largest.id)
        st.cache_data.clear()
        with patch.object(live_chart, "drawn", wraps=drawn) as drawing:
            yield f"{name}, first", timed(app.run)
        if app.exception:
            sys.exit(f"{name}: {app.exception[0].stack_trace}")
        yield f"{name}, again", timed(app.run)
        size = sum(len(drawn(*call.args).text) for call in drawing.call_args_list)
        yield f"{name}, figures", f"{size / 1000:,.0f} kB"


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--points", type=int, default=50_000, help="rows of metrics per run")
    parser.add_argument("--each", type=int, default=500, help="runs per experiment")
    parser.add_argument("--home", type=Path, help="keep the runs here; if it has some, they are measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["EXPLORER_HOME"] = str(options.home or temporary)
        folder = store.home()
        if not folder.is_dir() or not any(folder.iterdir()):
            print("made in", timed(lambda: make_home(options.runs, options.points, each=options.each)))
        size = sum(path.stat().st_size for path in folder.rglob("*"))
        print(f"{sum(1 for _ in folder.iterdir()):,} runs, {size / 1e9:.2f} GB\n\n| | |\n|---|---|")
        for what, result in measured():
            print(f"| {what} | {result} |")


if __name__ == "__main__":
    main()
