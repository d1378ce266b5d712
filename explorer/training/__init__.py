"""Training: recipes, the loop, and the worker processes that run it."""
