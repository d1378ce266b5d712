"""The data sets: reading, downloading, and batches that depend on the seed and the step alone."""
