"""Networks as other projects lay them out, small, in our own words: the keys of their state dicts, what they compute."""
