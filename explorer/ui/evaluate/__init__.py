"""The Evaluate page: errors, calibration, confusions, ensembles."""
