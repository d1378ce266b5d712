from explorer.ui.attributions.scene import choose_scene
from explorer.ui.attributions.views import VIEWS
from explorer.ui.widgets.views import page_of_views

chosen = page_of_views("Attributions", VIEWS, "view")
if chosen:
    scene = choose_scene()
    if scene is not None:
        VIEWS[chosen].show(scene)
