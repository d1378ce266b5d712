from explorer.ui.runs.list import compare

compare()
