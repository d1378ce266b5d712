"""The responses of the networks of a report, measured on their last weights, or why there are none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

import pandas as pd

from explorer.analysis.response_claims import response_claims
from explorer.errors import ExplorerError
from explorer.export.reports.content import Block, Picture, Points, Section, Sentences
from explorer.export.views import View
from explorer.runs.checkpoint_facts import moments
from explorer.runs.experiments import Experiment


class Options(TypedDict):
    """Of `studies.layers.response_std`."""

    data: str
    images: int
    statistics: Literal["batch"]


OPTIONS: Options = {"data": "", "images": 100, "statistics": "batch"}  # as the Responses page measures first
MOST = 12  # networks: more lines cannot be told apart, and each takes seconds
NO_WEIGHTS = (
    "No weights of these runs are on this machine, so the responses of their layers cannot be measured here. Make the "
    "report where the runs are, or import them with their weights."
)


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """The responses of several networks.

    Attributes:
        table: `tables.RESPONSES` after `tables.MEASURED_KEYS`; None where nothing was measured.
        reasons: sentences on what was not measured.
    """

    table: pd.DataFrame | None = None
    reasons: tuple[str, ...] = ()


def references(found: Sequence[Experiment]) -> list[str]:
    """References to the last weights of the first run that has some, of each network of each experiment."""
    chosen: dict[tuple[str, str], str] = {}
    for each in found:
        for run in each.runs:
            key = each.id, run.facts.network.name if run.facts else ""
            if run.facts is not None and run.state != "damaged" and key not in chosen and (steps := moments(run)):
                chosen[key] = f"{run.id}@{steps[-1]}"
    return list(chosen.values())


def measured(found: Sequence[Experiment]) -> Responses:
    """Measure them in this process, which takes a second or more for each network."""
    from explorer.studies import layers

    return collected(references(found), lambda reference: layers.response_std((reference,), **OPTIONS))


def collected(given: Sequence[str], measure: Callable[[str], pd.DataFrame]) -> Responses:
    """The tables of all networks, where one that fails does not hide the others.

    Args:
        given: result of `references`.
        measure: gives the table of a reference, or raises ExplorerError.
    """
    if not given:
        return Responses(reasons=(NO_WEIGHTS,))
    tables, reasons = [], []
    for reference in given[:MOST]:
        try:
            tables.append(measure(reference))
        except ExplorerError as error:
            reasons.append(str(error))
    if len(given) > MOST:
        reasons.append(f"Measured are the first {MOST} of {len(given)} networks with weights.")
    return Responses(pd.concat(tables, ignore_index=True) if tables else None, tuple(dict.fromkeys(reasons)))


def responses_section(found: Responses, *, one_data_set: bool) -> Section:
    """Figure 7 of He et al. 2015 with the networks of the report, and its claims if all saw the same images."""
    table, blocks = found.table, list[Block]()
    if table is not None:
        from explorer.figures import response_levels

        names = ", ".join(dict.fromkeys(table["network"]))
        blocks += [
            Sentences(
                "How strongly each layer responds: the standard deviation of its output after batch norm, before the "
                f"shortcut is added. Measured on {OPTIONS['images']} test images, whose statistics batch norm takes, "
                "with the last weights of one run of each network."
            ),
            Picture("responses", response_levels(table), f"Responses of the layers of {names}, from first to last."),
        ]
        if one_data_set and not table.drop_duplicates("reference")["network"].duplicated().any():
            claims = tuple(claim.sentence for claim in response_claims(table))
            blocks += [Points(claims)] if claims else []
    blocks += [Sentences(reason, "note") for reason in found.reasons]
    return Section("Responses", tuple(blocks))


def command(found: Responses) -> str:
    """The shell command that gives the same table; empty where nothing was measured."""
    given = () if found.table is None else tuple(dict.fromkeys(found.table["reference"]))
    return View("responses", given, OPTIONS).command() if given else ""
