"""A process of its own in which PyTorch computes what pages ask, so that the server never waits for it."""
