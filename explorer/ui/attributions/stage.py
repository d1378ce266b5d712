"""Maps before a room: a page at a time, one for each beat."""

from collections.abc import Callable, Sequence

from explorer.escaping import in_markdown
from explorer.figures.maps.pages import MapPage, map_page
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.presenting import current_beat, stage


def page_numbers(count: int) -> list[str]:
    """The beats of so many pages."""
    return [f"page-{number}" for number in range(1, max(1, count) + 1)]


def show_page(pages: Sequence[MapPage], sentence: Callable[[MapPage], str]) -> None:
    """The page in the address, below its sentence; nothing where there are no maps."""
    if not pages:
        return
    numbers = page_numbers(len(pages))
    page = pages[numbers.index(current_beat(numbers))]
    with stage(in_markdown(sentence(page))):
        live_chart(map_page(page), key="maps-on-stage", alt=sentence(page), filename="attributions")
