"""Heights of tables: all rows in view where they fit."""

HEADER, ROW = 40, 37  # pixels, in the type size of .streamlit/config.toml


def table_height(rows: int, most: int) -> int:
    """Pixels in which a table shows all its rows, at most `most`."""
    return min(most, HEADER + ROW * rows)
