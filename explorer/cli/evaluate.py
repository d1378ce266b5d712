"""The command evaluate: networks on test images."""

from typing import Annotated, Any, Literal

from tyro.conf import arg

from explorer import tables
from explorer.cli.named_networks import Data, References, references
from explorer.cli.output import AsCsv, AsJson, message, show, show_table, text_table
from explorer.cli.progress_bar import progress_bar
from explorer.data.catalogue import dataset, ten_crops_caveat
from explorer.numerals import percent
from explorer.processes import wait_passively
from explorer.results import Ensemble, Evaluation, Part, evaluation_table
from explorer.runs.checkpoint_facts import lacks_test_error, record_test_error

MISTAKES = 10  # of each network, in JSON
PAIRS = 3  # of classes that are confused most often, in text
COLUMNS = ["reference", "network", "data", "images", "crops", "error", "top5_error", "loss", "ece", "seconds"]

Crops = Annotated[
    Literal[1, 10],
    arg(
        help="Views of each image: 1, the image itself, or 10, corners and centre, each also mirrored, whose class "
        "probabilities are averaged."
    ),
]


def evaluate(
    networks: References,
    /,
    *,
    data: Data = "",
    images: int | None = None,
    crops: Crops = 1,
    ensemble: bool = False,
    record: bool = False,
    part: Part | None = None,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure error, top-5 error, loss and calibration of networks on their test set; one line per network.

    Class errors, the confusion matrix, reliability bins and the most confident mistakes are in --json.

    Args:
        part: Only this table: errors of the networks, class errors, confusion matrix, calibration, mistakes, or pairs
            of the members of their ensemble.
        images: number of test images, balanced over classes; by default all.
        ensemble: evaluate also the ensemble of the networks, the mean of their class probabilities.
        record: add the error to the facts of each imported checkpoint without a test error, if it is of all test images
            of the data set it was trained on, with one crop.
    """
    named = references(networks)
    wait_passively()
    from explorer.studies import evaluations

    if part is not None:
        with progress_bar("Images"):
            table = evaluations.table(named, part=part, data=data, images=images, crops=crops)
        return show_table(part, table, csv=csv, json=json)
    with progress_bar("Images"):
        found = evaluations.evaluations(named, data=data, images=images, crops=crops)
        together = evaluations.ensemble(named, data=data, images=images, crops=crops) if ensemble else None
    if record:
        _record(found)
    table = evaluation_table([*found, together.joint] if together else found)
    if csv:
        return show_table("evaluations", table, csv=True, json=False)
    document: dict[str, Any] = {"evaluations": [_document(each) for each in found]}
    if together is not None:
        document["ensemble"] = _document(together.joint) | {
            "members": together.members.to_dict("records"),
            "pairs": together.pairs.to_dict("records"),
            "shared_mistakes": together.shared.to_dict("records"),
        }
    lines = [text_table(table.to_dict("records"), COLUMNS), "", *map(_sentence, found)]
    if crops > 1:
        rows = [dataset(name) for name in dict.fromkeys(each.data for each in found)]
        lines += [f"{ten_crops_caveat(row.title)}." for row in rows if not row.augment]
    if together is not None:
        lines += ["", *_together(together)]
    return show(document, "\n".join(lines), as_json=json)


def _record(found: list[Evaluation]) -> None:
    for each in found:
        if lacks_test_error(each.reference, data=each.data, images=each.images, crops=each.crops):
            record_test_error(each.reference, each.error)
            message(f"{each.reference}: test error {percent(each.error, 2)} recorded.")
        else:
            message(f"{each.reference}: nothing to record; --record is for a checkpoint that you imported and that has "
                    "no test error, evaluated on all test images of its data set with one crop.")  # fmt: skip


def _document(found: Evaluation) -> dict[str, Any]:
    numbers = {column: getattr(found, column) for column in tables.EVALUATIONS}
    return numbers | {
        "classes": found.classes,
        "class_errors": found.class_errors.to_dict("records"),
        "confusion": found.confusion.to_dict("records"),
        "calibration": found.calibration.to_dict("records"),
        "mistakes": found.mistakes.head(MISTAKES).to_dict("records"),
    }


def _sentence(found: Evaluation) -> str:
    """A network's error in percent, and the classes that it confuses most."""
    text = f"{found.reference}: {percent(found.error, 2)} wrong, standard error {percent(found.standard_error, 2)}"
    wrong = found.class_errors.sort_values("wrong", ascending=False).head(PAIRS)
    classes = [
        f"{row['class']} ({percent(row['error'], 2)}, mostly for {row['taken_for']})"
        for row in wrong.to_dict("records")
        if row["wrong"]
    ]
    return f"{text}; most often mistaken: {', '.join(classes)}" if classes else text


def _together(found: Ensemble) -> list[str]:
    joint, all_wrong = found.joint, found.shared.iloc[-1]
    best = found.members["error"].min()
    return [
        f"{joint.network}: {percent(joint.error, 2)} wrong, the best of them alone {percent(best, 2)}",
        f"two of them predict one class for {percent(found.pairs['same'].mean(), 2)} of the images, mean over pairs",
        f"none is right on {int(all_wrong['images']):,} images ({percent(all_wrong['fraction'], 2)})",
    ]
