"""Grids of attribution maps, and the results of their checks."""
