"""Questions to trained networks and their curves, one file each."""
