"""Run folders: facts, metrics, snapshots, checkpoints, and the experiments they form."""
