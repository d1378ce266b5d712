"""The question that an attribution map answers; importing this does not import torch."""

from dataclasses import dataclass, field

from explorer.attribution.rows import Parameters


@dataclass(frozen=True, slots=True)
class Question:
    """How a network's score for a picture is to be explained.

    Attributes:
        method: name in `attribution.methods.METHODS`.
        target: class whose score is explained; None is the predicted one.
        data: name of the data set; empty is the one the network was trained on, for untrained networks the digits.
        paths: whether a picture may be named by a file path; False for references from links.
        parameters: of the method, see its row; a baseline can also be "black", "white" or "images" here.
    """

    method: str = "saliency"
    target: int | None = None
    data: str = ""
    paths: bool = False
    parameters: Parameters = field(default_factory=dict, hash=False)

    @property
    def layer(self) -> str:
        """The layer as given; empty for the method's default, and for methods without one."""
        return str(self.parameters.get("layer", ""))
