from explorer.ui.attributions.scene import choose_scene
from explorer.ui.attributions.views import VIEWS
from explorer.ui.widgets.views import fields_and_figure, page_of_views

chosen = page_of_views("Attributions", VIEWS, "view")
if chosen:
    fields, figure = fields_and_figure()
    with figure:
        scene = choose_scene(fields)
        if scene is not None:
            VIEWS[chosen].show(scene)
