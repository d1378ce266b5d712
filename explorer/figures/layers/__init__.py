"""What was measured of every layer."""
