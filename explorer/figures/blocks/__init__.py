"""What blocks learn: probes, similarities of layers, paths."""
