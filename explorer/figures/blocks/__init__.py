"""What blocks learn: operations, probes, similarities, paths, the landscape of the loss, feature maps."""
