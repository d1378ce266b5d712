"""Error against steps: training curves, the race, comparisons."""
