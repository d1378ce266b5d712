"""The Checkpoints page: weights on this machine, and importing weights."""
