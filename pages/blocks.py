from explorer.ui.blocks.choice import choose_blocks
from explorer.ui.blocks.views import VIEWS
from explorer.ui.widgets.views import fields_and_figure, page_of_views

chosen = page_of_views("Blocks", VIEWS, "study")
if chosen:
    fields, figure = fields_and_figure()
    choice = choose_blocks(fields)
    with figure:
        VIEWS[chosen].show(choice)
