from explorer.ui.lesson.page import lesson
from explorer.ui.widgets.live_chart import load_early

lesson()
load_early()
