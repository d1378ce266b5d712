"""Trainings live in a notebook cell, and as printed lines elsewhere; imports neither IPython nor torch before use."""
