"""Grids of attribution maps, their agreement, and the results of their checks."""
