"""Operations on the blocks of trained networks."""
