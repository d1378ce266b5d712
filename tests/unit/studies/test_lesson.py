"""The lesson: its texts in all languages, and what it says of experiments of every kind."""

import re

import pytest

from explorer import glossary
from explorer.errors import RunError, UnknownName
from explorer.files import PROJECT
from explorer.runs import store
from explorer.runs.checkpoint_facts import checkpoint_facts
from explorer.runs.experiments import experiment
from explorer.studies.lesson import document
from explorer.studies.lesson.runs import chosen, usable
from explorer.studies.lesson.steps import STEPS
from explorer.studies.lesson.texts import FOLDER, PAGE, filled, languages, parsed, placeholders, text

NETWORKS = ("plain8-w4", "plain14-w4", "resnet8-w4", "resnet14-w4")
FILES = [PAGE, *(step.name for step in STEPS)]


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))


@pytest.fixture
def trained(make_weights):
    """Makes a finished experiment in which the networks end with these training errors; gives its id."""

    def made(*ends, networks=NETWORKS):
        for order, (network, end) in enumerate(zip(networks, ends, strict=False)):
            make_weights(network, order=order, end=end)
        return "e1"

    return made


def of_file(language, name):
    return parsed((FOLDER / language / f"{name}.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", languages())
def test_a_language_has_every_text_with_every_placeholder(language):
    assert sorted(path.stem for path in (FOLDER / language).iterdir()) == sorted(FILES)
    for name in FILES:
        english, own = of_file("en", name), of_file(language, name)
        for part in ("parts", "guess", "finding", "words"):
            assert getattr(own, part).keys() == getattr(english, part).keys(), (name, part)
            for key, words in getattr(english, part).items():
                assert placeholders(getattr(own, part)[key]) == placeholders(words), (name, key)


def test_what_a_language_lacks_is_in_english(tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.studies.lesson.texts.FOLDER", tmp_path)
    for language, words in {"en": "- next: Next\n- back: Back\n", "xx": "- next: Xext\n"}.items():
        (tmp_path / language).mkdir()
        (tmp_path / language / "page.md").write_text(f"# {language}\n\n## words\n{words}")
    (tmp_path / "en" / "01.md").write_text("# One\n\nText.\n")
    from explorer.studies.lesson import texts

    texts._file.cache_clear()
    try:
        assert text("xx", "page").words == {"next": "Xext", "back": "Back"}
        assert text("xx", "01").title == "One"
    finally:
        texts._file.cache_clear()


def test_every_right_guess_is_offered_and_its_outcome_has_a_sentence():
    for step in STEPS:
        words = text("en", step.name)
        assert set(step.right.values()) <= words.guess.keys(), step.name
        assert step.right.keys() <= words.finding.keys(), step.name


@pytest.mark.parametrize(
    ("network", "said"),
    [("plain20", "plain20은"), ("plain32", "plain32는"), ("plain56", "plain56은"), ("x", "x은(는)")],
)
def test_korean_particles_follow_the_number_as_it_is_read(network, said):
    assert filled("{deep}은(는)", {"deep": network}) == said


def sentences(experiment_id, number):
    runs = chosen(experiment_id)
    return document.taught(number, runs, [], "en")


def test_plain_networks_that_do_not_degrade_are_said_not_to(trained):
    runs = trained(0.5, 0.3, 0.5, 0.3)
    race, cause = sentences(runs, 2), sentences(runs, 3)
    assert "there is no degradation: plain14-w4 ends" in race.finding[0]
    assert race.right == "a"
    assert cause.finding[0].startswith("Neither degradation nor overfitting")
    assert not re.search("hurts|He et al. call this", " ".join(race.finding))


def test_plain_networks_that_degrade_are_said_to(trained):
    found = sentences(trained(0.3, 0.5, 0.3, 0.2), 2)
    assert "depth hurts: plain14-w4 ends" in found.finding[0]
    assert found.right == "b"


def test_residual_networks_that_rise_are_said_to(trained):
    assert "depth still hurts with shortcuts" in sentences(trained(0.3, 0.5, 0.2, 0.3), 7).finding[0]


def test_equal_networks_decide_no_guess_but_that_of_no_difference(trained):
    found = sentences(trained(0.3, 0.3, 0.3, 0.3), 2)
    assert "no difference to speak of" in found.finding[0]
    assert found.right == "c"


def test_an_experiment_without_two_depths_of_each_kind_is_refused(trained):
    trained(0.3, 0.5, 0.3, networks=NETWORKS[:3])
    assert not usable(experiment("e1"))
    with pytest.raises(RunError, match="no finished plain and residual networks of two depths each"):
        chosen("e1")


def test_an_unknown_language_is_refused():
    with pytest.raises(UnknownName, match="No language of the lesson is called 'kr'. Known: en, ko"):
        document.steps(language="kr")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_file_has_every_step_and_no_external_address(trained, language):
    written = document.html(trained(0.3, 0.5, 0.3, 0.2), language)
    own = re.sub(r"<script>.*?</script>", "", written, flags=re.DOTALL)
    assert not re.search(r"https?://|src=|href=", own)
    assert f'<html lang="{language}">' in own
    assert own.count("<section>") == len(STEPS)
    assert own.count("<details") == 3 * len(STEPS)
    assert own.count('class="figure"') == len(STEPS)
    assert "{" not in re.sub(r"<style>.*?</style>|<script.*?</script>", "", own, flags=re.DOTALL), "a number is missing"
    for step in STEPS:
        assert text(language, step.name).title in own


def test_errors_of_trained_and_constructed_networks_are_measured_alike(monkeypatch):
    monkeypatch.setattr(store, "SHIPPED", PROJECT / "checkpoints")
    facts = checkpoint_facts("shipped-cifar10-plain56")
    assert chosen("shipped-cifar10").measured_errors("plain56") == (facts.train_error, facts.test_error)


def test_every_step_explains_terms_of_the_glossary_in_its_language(trained):
    runs = chosen(trained(0.3, 0.5, 0.3, 0.2))
    for number, step in enumerate(STEPS, start=1):
        shown = document.asked(number, runs, "ko")
        assert list(shown.terms) == list(step.terms) != []
        assert all(each == glossary.terms()[name].ko for name, each in shown.terms.items())
