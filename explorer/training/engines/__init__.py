"""Places where experiments train: one row each in `catalogue`."""
