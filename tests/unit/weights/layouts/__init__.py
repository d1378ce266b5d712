"""Networks as other projects lay them out, small, in our own words: keys of their state dicts, and outputs."""
