"""A separate process in which PyTorch computes what pages ask for, so that the server never waits for it."""
