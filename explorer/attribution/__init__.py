"""Attributions: Captum's methods under one interface, and checks of their maps."""
