"""The views of the Evaluate page, in the order of its menu."""

from collections.abc import Callable
from dataclasses import dataclass

from explorer.ui.evaluate.choice import Evaluated
from explorer.ui.evaluate.ensembles import look_at_ensemble
from explorer.ui.evaluate.errors import look_at_calibration, look_at_errors
from explorer.ui.evaluate.pictures import look_at_confusions, look_at_mistakes


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at how networks do.

    Attributes:
        question: what it answers.
        look: shows it; None where it is about all checkpoints, not about chosen networks.
    """

    title: str
    question: str
    look: Callable[[Evaluated], None] | None


VIEWS: dict[str, View] = {
    "errors": View("Errors", "How often is a network wrong on images it was not trained on, and in which classes?",
                   look_at_errors),
    "confusions": View("Confusions", "Which classes does it take for which? Click on a field to see its images.",
                       look_at_confusions),
    "calibration": View("Calibration", "Is a network as often right as it says?", look_at_calibration),
    "mistakes": View("Surest mistakes", "Where is a network sure, and wrong?", look_at_mistakes),
    "together": View("Together", "Do several networks know more than the best of them?", look_at_ensemble),
    "checkpoints": View("All checkpoints", "What is there on this machine, and how far is it from what has been "
                        "published?", None),
}  # fmt: skip
