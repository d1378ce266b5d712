"""The Runs page: all experiments, compared, renamed, exported, deleted."""
