"""Errors, confusions, calibration, agreement."""
