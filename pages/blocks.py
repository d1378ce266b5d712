from explorer.ui.blocks.choice import choose_blocks, fields_above
from explorer.ui.blocks.views import OPERATE, VIEWS
from explorer.ui.widgets.views import fields_and_figure, page_of_views

chosen = page_of_views("Blocks", VIEWS, "study")
if chosen == OPERATE:
    VIEWS[chosen].show(choose_blocks(*fields_above()))
elif chosen:
    fields, figure = fields_and_figure()
    choice = choose_blocks(fields, fields)
    with figure:
        VIEWS[chosen].show(choice)
