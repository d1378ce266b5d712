"""What the tables of pages are computed by, in Python and in the shell; importing this does not import torch.

The settings of a view have the names of the Python function's parameters. A row says where the shell differs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from explorer.studies.commands import Options, attribution_options

Settings = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Computation:
    """One kind of table.

    Attributes:
        title: in a few words, for a heading.
        function: its public name in Python, after "explorer.".
        command: words of the shell command.
        figure: name in `explorer.figures`, or a public name with a dot; empty where no function draws the table alone.
        table: how the table is made of the function's result: ".errors", or the public name of a function; empty where
            it is the table.
        figure_of: what the figure is drawn from, "table" or "found", the function's result.
        drawn_with: settings of the table that the figure is drawn from, where it has other rows than the view's.
        of: how the function takes what is named: a list, one by one, or only one.
        of_table: settings of the function that makes the table of the result.
        first: settings that the command takes before the networks, without a name.
        always: settings that are None in Python, and that the shell does without.
        options: turns the settings into options of the command.
        csv: the command prints text, and the table with `--csv`; else it always prints the table.
    """

    title: str
    function: str
    command: tuple[str, ...]
    figure: str = ""
    table: str = ""
    figure_of: str = "table"
    drawn_with: Settings = field(default_factory=dict)
    of: Literal["list", "each", "one"] = "list"
    of_table: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    options: Callable[[Settings], Options] = dict
    csv: bool = True


def _renamed(**names: str) -> Callable[[Settings], Options]:
    """Options by other names than the settings have."""
    return lambda settings: {names.get(name, name): value for name, value in settings.items()}


COMPUTATIONS: dict[str, Computation] = {
    "responses": Computation("Responses, layer by layer", "inspection.response_std", ("responses",), "response_levels"),
    "ledger": Computation("Residual ledger", "inspection.residual_ledger", ("ledger",), "ledger_entries"),
    "gradients": Computation("Gradients, layer by layer", "inspection.gradient_profile", ("gradients",),
                             "gradient_norms"),
    "xray": Computation("At initialisation", "inspection.xray", ("xray",), "xray"),
    "shattering": Computation("Shattered gradients", "inspection.gradient_autocorrelation", ("shattering",),
                              "gradient_autocorrelation"),
    "lesion": Computation("Each block deleted in turn", "blocks.lesion", ("lesion",), "lesion_bars"),
    "operated": Computation("Operations on blocks", "blocks.operated", ("operate",), "operated_classes",
                            first=("operations",)),
    "random": Computation("Blocks deleted at random", "blocks.random_lesions", ("lesion", "--at-random"),
                          "operated_errors"),
    "shuffle": Computation("Blocks in another order", "blocks.shuffle", ("shuffle",), "operated_errors"),
    "strength": Computation("Weakened shortcuts", "blocks.shortcut_strength", ("shortcut-strength",),
                            "operated_errors"),
    "critical": Computation("Blocks set back", "blocks.critical", ("critical",), "critical_blocks"),
    "probes": Computation("Linear probes", "probing.probing", ("probe",), "probe_errors", ".errors"),
    "similarity": Computation("Similarity of layers", "similarity.layer_similarity", ("cka",), "layer_similarity"),
    "pitfall": Computation("What CKA does not say", "similarity.outlier_example", ("cka-pitfall",), of="one"),
    "paths": Computation("Paths of each length", "paths.path_gradients", ("paths",), "path_lengths"),
    "landscape": Computation("The loss around networks", "landscape.landscape", ("landscape",), "loss_contours",
                             options=_renamed(parameters="parameter")),
    "trajectory": Computation("The way of a training", "landscape.trajectory", ("landscape", "--trajectory"),
                              "training_trajectory", ".moments", "found", of="one"),
    "refinement": Computation("Refinement within stages", "refinement.refinement", ("refine",), "refinement_profiles"),
    "repeated": Computation("Repeated blocks", "refinement.iterated", ("refine", "--iterated"), "iterated_blocks"),
    "arithmetic": Computation("The arithmetic of a block", "features.block_arithmetic", ("block",), "block_panels",
                              "features.arithmetic_table", "found", of="one", of_table=("channels",)),
    "filters": Computation("Filters of a convolution", "features.filters", ("filters",), "filter_grid",
                           "features.filter_table", "found", of="one"),
    "exciting": Computation("Exciting images", "features.exciting_images", ("exciting",), "most_exciting_images",
                            ".table", "found", of="one"),
    "logits": Computation("What blocks add to the scores", "features.contributions", ("contributions",), "logit_bars",
                          ".table", "found", of="one"),
    "class_errors": Computation("Errors by class", "evaluations.table", ("evaluate",), "class_errors"),
    "confusions": Computation("Confusions of classes", "evaluations.table", ("evaluate",), "confusion_matrix"),
    "calibration": Computation("Calibration", "evaluations.table", ("evaluate",), "reliability_diagram"),
    "mistakes": Computation("Most confident mistakes", "evaluations.table", ("evaluate",)),
    "pairs": Computation("Members of an ensemble", "evaluations.table", ("evaluate",), "member_agreement"),
    "experiments": Computation("Experiments", "experiments", ("runs", "list")),
    "data": Computation("Data sets", "data_sets", ("data", "status")),
    "kept": Computation("Checkpoints", "checkpoints", ("checkpoints", "list")),
    "checkpoints": Computation("Checkpoints", "evaluations.comparison", ("checkpoints", "compare")),
    "maps": Computation("Attribution maps", "attributions.maps", ("attribute",), "attributions.grid",
                        "attributions.scores", "found", options=attribution_options),
    "check": Computation("Checks of a map", "attributions.check", ("attribute-check",), "randomisation",
                         ".randomisation", of="one", options=attribution_options),
    "agreement": Computation("Agreement of maps", "attributions.agreement", ("attribute-agreement",),
                             "agreement_matrix", options=attribution_options),
    "sizes": Computation("Sizes of networks", "sizes", ("describe",), "layer_sizes", drawn_with={"by": "layer"}),
    "differences": Computation("Layers that differ", "layer_differences", ("diff",), of="each"),
    "metrics": Computation("Training curves", "metrics", ("runs", "metrics"), "training_curves", csv=False,
                           always=("points",)),
    "gaps": Computation("Does depth hurt?", "degradation.verdict", ("degradation", "verdict"), "degradation.race",
                        ".gaps", "found", of="each"),
}  # fmt: skip
