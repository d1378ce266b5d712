"""A network drawn block by block, coloured by a measure."""
