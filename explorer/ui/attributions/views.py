"""The views of the Attributions page, in the order of its menu."""

from collections.abc import Callable
from dataclasses import dataclass

from explorer.ui.attributions.agreement import look_at_agreement
from explorer.ui.attributions.difference import look_at_difference
from explorer.ui.attributions.lens import look_through
from explorer.ui.attributions.maps import look_at_maps
from explorer.ui.attributions.scene import Scene
from explorer.ui.attributions.trust import look_at_trust


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at attributions.

    Attributes:
        question: what it answers.
    """

    title: str
    question: str
    look: Callable[[Scene], None]


VIEWS: dict[str, View] = {
    "maps": View(
        "Maps",
        "One picture, many networks: where does a shallow one look, where a deep one, where a plain one that has "
        "failed to learn?",
        look_at_maps,
    ),
    "lens": View("Layer lens", "Where in the depth of a network does the evidence for a class form?", look_through),
    "difference": View("Difference", "What does one network see that another does not?", look_at_difference),
    "trust": View(
        "Can it be trusted?",
        "Does a map show what this network has learned, and what decides its answer, or only the picture?",
        look_at_trust,
    ),
    "agreement": View(
        "Agreement",
        "Do networks look at the same places? Do methods say the same of one network? If they do not, a single map is "
        "no explanation.",
        look_at_agreement,
    ),
}
