"""Measures of layers and blocks: columns, axis titles, values that the axes always include."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerMeasure:
    """How a column of `tables.RESPONSES`, `tables.GRADIENTS` or `tables.LEDGER` is shown.

    Attributes:
        title: of its axis.
        reach: values that a linear axis always includes, so that a flat profile looks flat.
        percent: the column is a fraction, shown times 100.
        log: its values differ by orders of magnitude; colours and axes are logarithmic.
        signed: its colour scale diverges from zero.
    """

    title: str
    reach: tuple[float, float] = (0.0, 0.0)
    percent: bool = False
    log: bool = False
    signed: bool = False

    @property
    def factor(self) -> float:
        """Values on the axis per value in the column."""
        return 100.0 if self.percent else 1.0

    @property
    def words(self) -> str:
        """The title without its unit, for the hover text."""
        return self.title.removesuffix(" (%)")

    @property
    def number(self) -> str:
        """Format of a y value in the hover text."""
        return "%{y:.3~g} %" if self.percent else "%{y:.3~g}"


RESPONSE_MEASURES: dict[str, LayerMeasure] = {
    "response_std": LayerMeasure("response std"),
    "response_mean": LayerMeasure("mean response", signed=True),
    "zeros": LayerMeasure("zeros after the ReLU (%)", (0.0, 100.0), percent=True),
    "dead": LayerMeasure("dead channels (%)", (0.0, 10.0), percent=True),
}

GRADIENT_MEASURES: dict[str, LayerMeasure] = {
    "gradient_norm": LayerMeasure("gradient norm of the weights", log=True),
    "response_gradient": LayerMeasure("gradient norm of the responses", log=True),
    "relative": LayerMeasure("gradient norm / weight norm", log=True),
}

BLOCK_MEASURES: dict[str, LayerMeasure] = {
    "branch_ratio": LayerMeasure("branch / shortcut, |F(x)| / |s(x)|", (0.0, 1.0)),
    "cosine": LayerMeasure("cosine of F(x) and s(x)", (-0.5, 0.5), signed=True),
    "gamma": LayerMeasure("mean |γ|, last batch norm", (0.0, 1.0)),
    "shortcut_share": LayerMeasure("gradient through the shortcut (share)", (0.0, 1.0)),
    "branch_share": LayerMeasure("gradient through the branch (share)", (0.0, 1.0)),
}
