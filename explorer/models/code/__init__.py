"""A network as PyTorch code that runs without this program."""
