"""The lesson page: no answer before a guess, each step, languages, runs, links."""

import pytest

from explorer.studies.lesson.steps import STEPS
from explorer.studies.lesson.texts import languages, text
from tests.app.reading import charts, texts

RECORDED = [
    number for number, step in enumerate(STEPS, start=1) if step.name[:2] in ("01", "02", "03", "06", "07", "11")
]


@pytest.fixture
def shown(make_run):
    """Two plain and two residual networks that have finished; plain32 ends above plain20."""
    for order, (network, end) in enumerate({"plain20": 0.1, "plain32": 0.4, "resnet20": 0.2, "resnet32": 0.1}.items()):
        make_run(network, order=order, end=end, title="A race")
    return "e1"


def everything(app):
    """All that is sent to the browser."""
    return texts(app) + "".join(str(button.label) for button in app.button) + repr(charts(app))


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_no_answer_is_there_before_a_guess(open_page, shown, number):
    app = open_page("lesson", step=str(number))
    words = text("en", STEPS[number - 1].name)
    assert words.title in texts(app)
    assert not charts(app)
    for sentence in words.finding.values():
        for part in sentence.split("{")[0], sentence.split("}")[-1]:
            assert len(part) < 12 or part.strip() not in everything(app)
    assert "Your guess: " not in texts(app)


@pytest.mark.parametrize("number", RECORDED)
def test_a_guess_shows_one_figure_and_a_finding(open_page, shown, number):
    app = open_page("lesson", step=str(number))
    app.button(key=f"g{number}-a").click().run()
    assert app.query_params[f"g{number}"] == "a"
    assert len(charts(app)) == 1
    assert "Your guess: " in texts(app)
    assert "What this does not show" in texts(app)


def test_a_wrong_guess_is_said_and_can_be_made_again(open_page, shown):
    app = open_page("lesson", step="2", g2="a")
    assert "That is not right." in texts(app)
    assert "depth hurts: plain32 ends" in texts(app)
    app.button(key="again-2").click().run()
    assert "depth hurts" not in texts(app)


def test_steps_follow_each_other_and_the_address_is_checked(open_page, shown):
    app = open_page("lesson", step="99", g1="z")
    assert "step 1 of 11" in app.get("progress")[0].proto.text
    assert not charts(app)
    app.button(key="lesson-Right").click().run()
    assert app.query_params["step"] == "2"


@pytest.mark.parametrize("language", languages())
def test_a_link_opens_in_its_language(open_page, shown, language):
    app = open_page("lesson", step="2", g2="b", lang=language)
    assert text(language, "02-race").title in texts(app)
    assert text(language, "page").words["limits"] in texts(app)


def test_runs_that_do_not_fit_are_said_and_others_shown(open_page, shown, make_run):
    make_run("plain20", experiment="e0", title="Alone")
    app = open_page("lesson", runs="e0")
    assert "has no finished plain and residual networks" in app.warning[0].value
    assert "plain32" in texts(app)


def test_without_any_runs_it_says_so(open_page):
    assert "There is no finished experiment" in open_page("lesson").info[0].value


def test_a_failing_measurement_is_said(open_page, shown):
    """These runs have no weights, so there is nothing to measure."""
    app = open_page("lesson", step="8", g8="a")
    assert "no networks to measure this on" in texts(app)


def test_the_end_offers_to_run_it_and_to_take_it_along(open_page, shown):
    app = open_page("lesson", step="11", g11="b")
    assert app.button(key="lesson-demo")
    assert app.button(key="lesson-make")


def test_a_presentation_asks_before_it_answers(open_page, shown):
    asked = open_page("lesson", present="1", beat="2")
    assert "ends with the lowest" in texts(asked)
    assert not charts(asked)
    answered = open_page("lesson", present="1", beat="2-answer")
    assert len(charts(answered)) == 1
    assert answered.query_params["step"] == "2"
