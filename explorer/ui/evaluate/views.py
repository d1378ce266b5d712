"""The views of the Evaluate page, in the order of its menu."""

from explorer.ui.evaluate.choice import Evaluated
from explorer.ui.evaluate.ensembles import show_ensemble
from explorer.ui.evaluate.errors import show_calibration, show_errors
from explorer.ui.evaluate.pictures import show_confusions, show_mistakes
from explorer.ui.widgets.views import View

VIEWS: dict[str, View[Evaluated]] = {
    "errors": View(
        "Errors", show_errors, "How often is a network wrong on images it was not trained on, and in which classes?"
    ),
    "confusions": View(
        "Confusions", show_confusions, "Which classes are confused? Click on a field to see its images."
    ),
    "calibration": View("Calibration", show_calibration, "Is a network right as often as it is confident?"),
    "mistakes": View("Most confident mistakes", show_mistakes, "Where is a network confident, and wrong?"),
    "together": View("Ensemble", show_ensemble, "Do several networks together beat the best of them?"),
    "checkpoints": View(
        "All checkpoints", None, "Which checkpoints are on this machine, and how do they compare with published errors?"
    ),
}
