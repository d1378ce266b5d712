"""The full page behind each step of the lesson, in the same state."""

from collections.abc import Callable

from explorer.studies.lesson.runs import LessonRuns

Link = tuple[str, dict[str, str]]  # page, query


def full_page(name: str, runs: LessonRuns) -> Link:
    """The page that shows what a step shows, with all its controls."""
    return _LINKS[name](runs)


def _degradation(ask: str = "") -> Callable[[LessonRuns], Link]:
    asked = {"ask": ask} if ask else {}
    return lambda runs: ("degradation", {"experiment": runs.experiment.id} | asked)


def _build(network: Callable[[LessonRuns], str]) -> Callable[[LessonRuns], Link]:
    return lambda runs: ("build", {"network": network(runs)})


def _networks(page: str, **query: str) -> Callable[[LessonRuns], Link]:
    def link(runs: LessonRuns) -> Link:
        names = [runs.shallow, runs.deep, runs.residual[0], runs.residual[-1]]
        ids = [reference.partition("@")[0] for reference in runs.weights(names)]
        return page, {"networks": ",".join(ids)} | query

    return link


# Values of the address are the labels of the pages' fields.
_LINKS: dict[str, Callable[[LessonRuns], Link]] = {
    "01-argument": _build(lambda runs: runs.deep),
    "02-race": _degradation(),
    "03-training-error": _degradation("Overfitting?"),
    "04-gradients": _degradation("Vanishing gradients?"),
    "05-construction": _degradation("No better solution?"),
    "06-block": _build(lambda runs: runs.residual[-1]),
    "07-residual-race": _degradation(),
    "08-responses": _networks("responses", study="Responses"),
    "09-ledger": _networks("responses", study="Residual ledger"),
    "10-maps": _networks("attributions"),
    "11-open": _degradation("And in the paper?"),
}
