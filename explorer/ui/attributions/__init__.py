"""The Attributions page: maps, layer lens, difference, trust, agreement."""
