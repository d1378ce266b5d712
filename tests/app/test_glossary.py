"""The Glossary page, in both languages, and the help of fields."""

from tests.app.reading import texts


def terms(app):
    return [each.value for each in app.subheader]


def test_all_terms_are_on_the_page_in_either_language(open_page):
    english, korean = open_page("glossary"), open_page("glossary", lang="ko")
    assert (english.title[0].value, korean.title[0].value) == ("Glossary", "용어집")
    assert len(terms(english)) == len(terms(korean)) >= 40
    assert "Residual block" in terms(english)
    assert "잔차 블록" in terms(korean)


def test_a_link_opens_at_a_term(open_page):
    app = open_page("glossary", term="residual_block", lang="ko")
    assert terms(app)[0] == "잔차 블록"
    assert terms(app).count("잔차 블록") == 1
    assert terms(open_page("glossary", term="no such term", lang="xx"))[0] == "Seed"


def test_terms_are_searched(open_page):
    app = open_page("glossary")
    app.text_input(key="q").input("verdicts").run()
    assert terms(app) == ["Training error"]
    assert "](#" not in app.caption[0].value  # related terms are not on the page
    app.text_input(key="q").input("flux").run()
    assert "No term contains this." in texts(app)


def test_fields_explain_their_terms(open_page):
    app = open_page("train", preset="one_minute")
    helps = {each.label: each.help for each in [*app.number_input, *app.selectbox]}
    assert helps["Batch size"].startswith("Images per step; 128 in He et al. 2015")
    assert "**Batch**: The images from which one step computes its gradient" in helps["Batch size"]
    assert "**Seed**" in helps["Seeds"]
    assert not [label for label, text in helps.items() if "_" in text]
