"""What an attribution map is asked for; without PyTorch, so that pages can ask."""

from dataclasses import dataclass, field

from explorer.attribution.rows import Parameters


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about the answer of a network to a picture.

    Attributes:
        method: name in `attribution.methods.METHODS`.
        target: the class whose score is explained; None is the predicted one.
        data: name of the data set; empty is the one that the network was trained on, for untrained ones the digits.
        paths: whether a picture may be named by the path of a file; not where its reference may be somebody else's.
        parameters: of the method, see its row; of networks by reference, a baseline can also be "black", "white" or
            "images".
    """

    method: str = "saliency"
    target: int | None = None
    data: str = ""
    paths: bool = False
    parameters: Parameters = field(default_factory=dict, hash=False)
