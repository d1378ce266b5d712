"""The views of the Evaluate page, in the order of its menu."""

from collections.abc import Callable

from explorer.ui.evaluate.choice import Evaluated, choose_evaluation, evaluate, show_what_is_measured
from explorer.ui.evaluate.ensembles import show_ensemble
from explorer.ui.evaluate.errors import compare_checkpoints, show_calibration, show_errors, show_rows
from explorer.ui.evaluate.pictures import show_confusions, show_mistakes
from explorer.ui.widgets.views import View, fields_and_figure


def _of(
    show: Callable[[Evaluated], None], show_some: Callable[[Evaluated], None] | None = None
) -> Callable[[None], None]:
    """A view that first evaluates what is chosen; meanwhile it shows some of it."""

    def shown(_: None) -> None:
        fields, figure = fields_and_figure()
        with fields:
            choice = choose_evaluation()
        with figure:
            if choice is not None and (found := evaluate(choice, show_some)) is not None:
                show(found)
                show_what_is_measured(found)

    return shown


VIEWS: dict[str, View[None]] = {
    "errors": View(
        "Errors",
        _of(show_errors, show_rows),
        "How often is a network wrong on images it was not trained on, and in which classes?",
    ),
    "confusions": View(
        "Confusions", _of(show_confusions), "Which classes are confused? Click on a field to see its images."
    ),
    "calibration": View("Calibration", _of(show_calibration), "Is a network right as often as it is confident?"),
    "mistakes": View("Most confident mistakes", _of(show_mistakes), "Where is a network confident, and wrong?"),
    "together": View("Ensemble", _of(show_ensemble), "Do several networks together beat the best of them?"),
    "checkpoints": View(
        "All checkpoints",
        lambda _: compare_checkpoints(),
        "Which checkpoints are on this machine, and how do they compare with published errors?",
    ),
}
