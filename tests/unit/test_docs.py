"""What the documents list is what there is."""

import re
from pathlib import Path

from explorer.attribution.methods import METHODS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_of_methods_has_every_method_with_its_title_and_scope():
    text = (DOCS / "attributions.md").read_text(encoding="utf-8")
    table = text.split("## The methods")[1].split("\n\n")[1]
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \| (\w+) \|", table, flags=re.MULTILINE)
    heading, *methods = rows
    assert heading == ("name", "title", "of")
    assert methods == [(name, row.title, row.scope) for name, row in METHODS.items()]
