"""How fast the product is, and against what; measurements, not tests."""
