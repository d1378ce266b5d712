"""The Degradation page: set-up, race, verdict, the proof by construction."""
