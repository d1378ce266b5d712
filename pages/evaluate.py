from explorer.ui.evaluate.views import VIEWS
from explorer.ui.widgets.views import page_of_views

chosen = page_of_views("Evaluate", VIEWS, "evaluation")
if chosen:
    VIEWS[chosen].show(None)
