"""Weights made elsewhere: from the bytes of a file to a checkpoint of this program."""
