from explorer.ui.compare import compare

compare()
