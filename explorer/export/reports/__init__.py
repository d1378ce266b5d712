"""Reports on experiments: gathered once, written as one HTML file or as Markdown with PNGs."""
