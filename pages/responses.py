from explorer.ui.responses.trained import STUDIES, show_study
from explorer.ui.responses.untrained import INITIAL_STUDIES, show_initial_study
from explorer.ui.widgets.network_choice import choose_networks
from explorer.ui.widgets.views import fields_and_figure, page_of_views

chosen = page_of_views("Responses", STUDIES | INITIAL_STUDIES, "study")
if chosen:
    fields, figure = fields_and_figure()
    if chosen in STUDIES:
        with fields:
            networks = choose_networks()
        with figure:
            show_study(chosen, networks, fields)
    else:
        with figure:
            show_initial_study(chosen, fields)
