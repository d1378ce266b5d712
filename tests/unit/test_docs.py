"""What the documents list is what there is."""

import re
from pathlib import Path

from explorer.attribution.methods import METHODS
from explorer.data.rows import DATASETS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_of_methods_has_every_method_with_its_title_and_scope():
    text = (DOCS / "attributions.md").read_text(encoding="utf-8")
    table = text.split("## The methods")[1].split("\n\n")[1]
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \| (\w+) \|", table, flags=re.MULTILINE)
    heading, *methods = rows
    assert heading == ("name", "title", "of")
    assert methods == [(name, row.title, row.scope) for name, row in METHODS.items()]


def test_the_table_of_data_sets_has_every_data_set_with_its_facts():
    text = (DOCS / "data.md").read_text(encoding="utf-8")
    table = text.split("## Data sets")[1].split("\n\n")[1].splitlines()[2:]
    expected = [
        f"| `{name}` | {row.title} | {row.train_images:,}, {row.test_images:,} | {len(row.classes)} | "
        f"{row.sizes[0]}×{row.sizes[0]}, {'colour' if row.channels == 3 else 'grey'} | "
        f"{f'{row.archive.size / 1e6:.0f} MB' if row.archive else 'built in'} | {row.licence} |"
        for name, row in DATASETS.items()
    ]
    assert table == expected
