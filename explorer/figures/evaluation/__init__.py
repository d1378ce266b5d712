"""Errors, confusions, calibration, agreement of the members of ensembles."""
