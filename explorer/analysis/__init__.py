"""Analyses of networks and training curves, one per module."""
