"""The networks: configuration, blocks, catalogue."""
