"""Measurements of every layer or block."""
