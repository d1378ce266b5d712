"""A network drawn block by block, coloured by what was measured."""
