"""Speed of the library against references; measurements, not tests."""
