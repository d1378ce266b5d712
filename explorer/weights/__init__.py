"""Import of third-party weights as checkpoints."""
