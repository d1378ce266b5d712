"""What blocks learn: the loss around networks, refinement, feature maps and filters."""
