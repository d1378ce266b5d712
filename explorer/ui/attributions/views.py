"""The views of the Attributions page, in the order of its menu."""

from explorer.ui.attributions.agreement import show_agreement
from explorer.ui.attributions.difference import show_difference
from explorer.ui.attributions.lens import show_lens
from explorer.ui.attributions.maps import show_maps
from explorer.ui.attributions.scene import Scene
from explorer.ui.attributions.trust import show_checks
from explorer.ui.widgets.views import View

VIEWS: dict[str, View[Scene]] = {
    "maps": View(
        "Maps",
        show_maps,
        "One picture, many networks: where does a shallow one look, where a deep one, where a plain one that has "
        "failed to learn?",
    ),
    "lens": View("Layer lens", show_lens, "Where in the depth of a network does the evidence for a class form?"),
    "difference": View("Difference", show_difference, "What does one network see that another does not?"),
    "trust": View(
        "Can it be trusted?",
        show_checks,
        "Does a map show what this network has learned, and what decides its prediction, or only the picture?",
    ),
    "agreement": View(
        "Agreement",
        show_agreement,
        "Do networks look at the same places? Do methods agree about one network? If not, a single map is no "
        "explanation.",
    ),
}
