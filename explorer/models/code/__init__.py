"""Standalone PyTorch code of a network, which runs without this package."""
