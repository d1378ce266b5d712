"""Attributions: Captum's methods made comparable across networks, and whether their maps can be trusted."""
