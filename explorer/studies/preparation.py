"""Small questions like the first ones of pages: PyTorch, data and networks are read before anybody waits for them.

Each function imports what it needs, so that each takes about a second at most after the first, which imports PyTorch.
"""

IMAGES = 20


def evaluate(reference: str, data: str) -> None:
    """Prepare Evaluate; args as for `studies.evaluations`."""
    from explorer.studies.evaluations import evaluation

    evaluation(reference, data=data, images=IMAGES)


def respond(reference: str, data: str) -> None:
    """Prepare Responses."""
    from explorer.studies.layers import response_std

    response_std((reference,), data=data, images=IMAGES)


def explain(reference: str, data: str) -> None:
    """Prepare Attributions."""
    from explorer.studies.attributions import Question, attribution_map

    attribution_map(reference, "test:0", Question(data=data))
