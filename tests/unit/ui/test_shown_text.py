"""Text that is not ours is shown, in a terminal and on pages, and does nothing else."""

import pytest

from explorer.cli.output import message, show, show_table, text_facts, text_table
from explorer.escaping import in_figure, message_in_markdown

MOVES = "a\x1b[2J\x07\r\u202eb\x9b"


@pytest.mark.parametrize(
    "tell",
    [
        lambda: message(MOVES),
        lambda: show({}, MOVES, as_json=False),
        lambda: show({"a": MOVES}, "", as_json=True),
        lambda: print(text_table([{"title": MOVES, "networks": [MOVES]}], ["title", "networks"])),
        lambda: print(text_facts({"title": MOVES})),
    ],
)
def test_no_text_moves_the_cursor_of_a_terminal(capsys, tell):
    tell()
    shown = "".join(capsys.readouterr())
    assert shown.replace("\n", "").isprintable()
    assert "1b[2J" in shown


def test_a_line_break_in_a_cell_makes_no_line():
    assert len(text_table([{"title": "a\nb"}], ["title"]).splitlines()) == 2


def test_a_message_keeps_its_lines(capsys):
    message("a\nb")
    assert capsys.readouterr().err == "a\nb\n"


def test_tables_are_told_like_other_answers(capsys):
    pandas = pytest.importorskip("pandas")
    show_table("rows", pandas.DataFrame([{"title": MOVES}]), csv=False, json=False)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`sbatch` (2) is", r"`sbatch` \(2\) is"),
        ("[a](http://b)", r"\[a\]\(http\://b\)"),
        ("![a](b)", r"\!\[a\]\(b\)"),
        ("a\n# b", "a\n\\# b"),
        ("a\n===", "a\n\\=\\=\\="),
        ("<img src=x>", r"\<img src\=x\>"),
        (":red[a]", r"\:red\[a\]"),
        ("$a$", r"\$a\$"),
        ("&lt;", r"\&lt;"),
        ("``[a](b)`", r"\`\`\[a\]\(b\)\`"),
        ("`a\n[b](c)`", "\\`a\n\\[b\\]\\(c\\)\\`"),
    ],
)
def test_a_message_on_a_page_has_code_and_nothing_else(text, shown):
    assert message_in_markdown(text) == shown


def test_a_text_in_a_figure_makes_no_tag():
    assert in_figure("<a href='x'>R&amp;D</a>") == "&lt;a href='x'>R&amp;amp;D&lt;/a>"
