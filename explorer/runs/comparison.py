"""All checkpoints side by side, compared with published results, without reading weights."""

from collections.abc import Iterator
from contextlib import suppress

import pandas as pd

from explorer import tables
from explorer.data.catalogue import side_in_training
from explorer.errors import ExplorerError
from explorer.models.catalogue import NETWORKS
from explorer.models.published import published
from explorer.models.size import multiply_adds, parameter_count
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_facts, checkpoint_file, kept_checkpoints
from explorer.runs.store import list_runs


def comparison() -> pd.DataFrame:
    """All readable checkpoints: size, test error, and published error.

    A published error is given only for networks trained on the same data set at its usual image size; if there are
    several, that of the paper.

    Returns:
        The columns of `tables.COMPARISON`: final weights of runs, then the checkpoints in `checkpoint_folder()`.
    """
    known = _published()
    rows = []
    for reference, facts in _checkpoints():
        config = facts.network
        side = side_in_training(facts.data, facts.recipe) or config.image_size
        usual = config.image_size == side
        error, source = known.get((config.name, facts.data.partition(":")[0]), (None, "")) if usual else (None, "")
        rows.append(
            {
                "reference": reference,
                "network": config.name,
                "kind": config.kind,
                "depth": config.depth,
                "parameters": parameter_count(config),
                "multiply_adds": multiply_adds(config, side),
                "data": facts.data,
                "image_size": side,
                "step": facts.step,
                "test_error": facts.test_error,
                "published_error": error,
                "source": source,
            }
        )
    table = pd.DataFrame(rows, columns=tables.COMPARISON[:-1])
    table = table.astype({"test_error": float, "published_error": float})
    return table.assign(gap=table["test_error"] - table["published_error"])[tables.COMPARISON]


def _checkpoints() -> Iterator[tuple[str, CheckpointFacts]]:
    for run in list_runs():
        if run.facts is not None and checkpoint_file(run.id) is not None:
            with suppress(ExplorerError):
                yield run.id, checkpoint_facts(run.id)
    yield from kept_checkpoints().items()


def _published() -> dict[tuple[str, str], tuple[float, str]]:
    """Published errors and their sources by network and data set."""
    on_cifar10 = published().dropna(subset="test_error").drop_duplicates("network")
    found = {
        (name, row.published_data): (row.published_error, row.source)
        for name, row in NETWORKS.items()
        if row.published_error is not None
    }
    return {
        (name, "cifar10"): (error, source)
        for name, error, source in on_cifar10[["network", "test_error", "source"]].itertuples(index=False)
    } | found
