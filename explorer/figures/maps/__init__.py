"""Grids of attribution maps, and what checks say of them."""
