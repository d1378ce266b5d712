from explorer.ui.evaluate.choice import evaluate
from explorer.ui.evaluate.errors import compare_checkpoints
from explorer.ui.evaluate.views import VIEWS
from explorer.ui.widgets.views import page_of_views

chosen = page_of_views("Evaluate", VIEWS, "evaluation")
if chosen == "checkpoints":
    compare_checkpoints()
elif chosen:
    evaluated = evaluate()
    if evaluated is not None:
        VIEWS[chosen].show(evaluated)
