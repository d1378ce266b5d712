"""The glossary is complete in both languages, and names only what exists."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from explorer import glossary
from explorer.errors import BadSettings, UnknownName
from explorer.glossary import LANGUAGES, Term, explain, found, groups, terms
from explorer.training.recipe import Recipe
from explorer.ui.navigation import PAGES
from explorer.ui.widgets.plan_fields import EXPLAINED

ROOT = Path(__file__).parents[2]
COMPLETE = {"en": {"term": "Seed", "text": "A number."}, "ko": {"term": "시드", "text": "수입니다."}}
HANGUL = re.compile("[가-힣]")


def test_a_term_is_explained_in_both_languages():
    assert explain("seed").startswith("**Seed**: The number that all random choices")
    assert explain("seed", language="ko").startswith("**시드**: ")
    assert explain("step", "epoch", note="As many as you like.").split("\n\n")[0] == "As many as you like."


def test_an_unknown_term_names_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'seed'"):
        explain("sead")


@pytest.mark.parametrize("lacking", [("ko",), ("en", "term"), ("ko", "text")], ids=".".join)
def test_a_term_that_lacks_a_language_is_refused(lacking):
    first, *rest = lacking
    broken = {**COMPLETE, first: {**COMPLETE[first], rest[0]: ""}} if rest else {"en": COMPLETE["en"]}
    assert Term(**COMPLETE)
    with pytest.raises(BadSettings):
        Term(**broken)


def test_no_id_and_no_name_is_given_twice():
    assert len(terms()) == sum(len(group.terms) for group in groups()) >= 40
    for language in LANGUAGES:
        names = Counter(term.entry(language).term.casefold() for term in terms().values())
        assert names.most_common(1)[0][1] == 1


def test_korean_texts_are_korean_and_english_ones_are_not():
    for name, term in terms().items():
        assert HANGUL.search(term.ko.text), name
        assert not HANGUL.search(term.en.term + term.en.text), name
    assert all(set(group.title) == set(LANGUAGES) for group in groups())


def test_related_terms_and_pages_exist():
    for name, term in terms().items():
        assert set(term.see) <= set(terms()) - {name}, name
        assert not term.page or term.page in PAGES, name


def test_all_terms_that_the_app_explains_exist():
    used = {
        name.value
        for source in [*ROOT.glob("explorer/ui/**/*.py"), *ROOT.glob("pages/*.py")]
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "glossary.explain"
        for name in node.args
        if isinstance(name, ast.Constant)
    }
    used |= {name for names in EXPLAINED.values() for name in names}
    assert set(EXPLAINED) <= set(Recipe.model_fields)
    assert "seed" in used <= set(terms())


def test_terms_are_found_by_words_of_either_language():
    assert "saliency" in found("absolute GRADIENT", "en")
    assert "saliency" in found("살리언시", "ko")
    assert "saliency" in found("saliency", "ko")
    assert found("살리언시", "en") == {}
    assert found(" ", "en") == terms()


def test_the_file_is_read_once():
    assert glossary.groups() is glossary.groups()
