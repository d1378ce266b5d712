"""The Blocks page: blocks of trained networks operated on, and studies of what they learn."""
