"""The Build page: the address holds the network; what cannot be built is told and nothing is lost."""

import json

import pytest

from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.size import parameter_count
from tests.app.reading import charts, texts


def metrics(app):
    return [metric.value for metric in app.metric]


def address(app, key):
    """What the address says; a list where it has not been changed since the page was opened."""
    found = app.query_params[key]
    return found[0] if isinstance(found, list) else found


def set_part(app, name, value):
    """Change a setting by its widget."""
    widgets = [each for kind in ("selectbox", "number_input", "text_input", "toggle") for each in app.get(kind)]
    (widget,) = (each for each in widgets if each.key == f"build_{name}")
    return widget.set_value(value).run()


def test_a_first_visit_shows_a_network(open_page):
    app = open_page("build")
    assert address(app, "network") == "resnet20"
    assert metrics(app)[0] == "269,722"
    assert "Published: 270,000 parameters" in texts(app)
    assert len(charts(app)) == 1


@pytest.mark.parametrize("name", ["plain34", "resnet50", "preresnet164", "wrn-28-10", "densenet121", "seresnet50",
                                  "resnext29-8x64d", "resnet20-fixup", "resnet50d", "resnet1202"])  # fmt: skip
def test_the_address_opens_any_network(open_page, name):
    app = open_page("build", network=name)
    assert metrics(app)[0] == f"{parameter_count(network_config(name)):,}"
    assert not app.error
    assert not app.warning


@pytest.mark.parametrize("view", ["Numbers", "Memory and time", "Code"])
def test_every_view_draws_for_two_networks(open_page, view):
    app = open_page("build", network="resnet50", beside="resnet20", build_view=view, size="64")
    assert len(metrics(app)) == 8
    assert not app.error


def test_changing_a_part_changes_the_name_in_the_address(open_page):
    app = open_page("build", network="resnet20")
    set_part(app, "order", "pre")
    assert address(app, "network") == "preresnet20"
    set_part(app, "excitation", True)
    set_part(app, "depth", 32)
    assert address(app, "network") == "sepreresnet32"
    assert metrics(app)[0] == f"{parameter_count(network_config('sepreresnet32')):,}"


def test_a_factor_of_the_shortcuts_can_be_chosen_where_there_are_some(open_page):
    app = open_page("build", network="resnet20")
    set_part(app, "shortcut_scale", 0.5)
    assert address(app, "network") == "resnet20-alpha0.5"
    set_part(app, "shortcut_scale", 1.5)
    assert "Shortcut scale is 1.5. It must be from 0 to 1." in texts(app).replace("\\", "")
    assert address(app, "network") == "resnet20-alpha0.5"
    set_part(app, "shortcut", "none")
    assert address(app, "network") == "plain20"
    assert "build_shortcut_scale" not in [each.key for each in app.number_input]


def test_blocks_of_each_stage_give_the_depth(open_page):
    app = open_page("build", network="resnet20")
    set_part(app, "stages", "1, 2, 3, 4")
    assert network_config(address(app, "network")).stage_blocks == (1, 2, 3, 4)
    assert app.number_input(key="build_depth").value == 22


def test_what_cannot_be_built_says_the_rule_and_the_nearest_and_loses_nothing(open_page):
    app = open_page("build", network="seresnet20")
    set_part(app, "depth", 22)
    assert "depth (22) is not 6n+2" in app.warning[0].value.replace("\\", "")
    assert app.number_input(key="build_depth").value == 22
    assert address(app, "network") == "seresnet20"
    assert metrics(app)[0] == f"{parameter_count(network_config('seresnet20')):,}"
    assert [each.label for each in app.button if each.label.startswith(("Use", "Back"))] == [
        "Use seresnet20", "Use seresnet26",
    ]  # fmt: skip
    app.button(key="take-seresnet26").click().run()
    assert address(app, "network") == "seresnet26"
    assert not app.warning


def test_a_wish_is_kept_while_another_part_is_changed(open_page):
    app = open_page("build", network="plain20")
    set_part(app, "order", "pre")
    assert "needs a shortcut" in app.warning[0].value
    set_part(app, "shortcut", "B")
    assert address(app, "network") == "preresnet20-b"


def test_settings_that_mean_nothing_in_a_block_are_not_shown(open_page):
    app = open_page("build", network="densenet-40-12")
    keys = {each.key for kind in ("selectbox", "number_input") for each in app.get(kind)}
    assert "build_growth" in keys
    assert not keys & {"build_shortcut", "build_groups", "build_order"}


def test_a_name_that_is_none_is_told_with_the_nearest(open_page):
    app = open_page("build", network="resnet22")
    assert "22 is not 6n+2. The nearest are resnet20 and resnet26." in app.error[0].value.replace("\\", "")
    assert metrics(app)


def test_a_network_that_is_too_deep_for_the_page_is_told(open_page):
    app = open_page("build", network="resnet9998")
    assert "draws up to 2,000" in app.error[0].value


def test_images_that_vanish_are_told_and_the_size_can_be_changed(open_page):
    app = open_page("build", network="densenet121", size="8")
    assert "nothing is left of them" in app.error[0].value
    set_part(app, "size", 64)
    assert not app.error
    assert address(app, "size") == "64"


def test_classes_are_kept_in_the_address(open_page):
    app = open_page("build", network="resnet50", classes="37")
    assert metrics(app)[0] == f"{parameter_count(network_config('resnet50')) - 963 * 2049:,}"
    set_part(app, "classes", 1000)
    assert "classes" not in app.query_params


@pytest.mark.parametrize("view", ["Numbers", "Differences"])
def test_columns_of_tables_have_no_code_names(open_page, view):
    app = open_page("build", network="resnet50", beside="resnet50-v1", build_view=view)
    for table in app.dataframe:
        shown = json.loads(table.proto.columns)
        headings = {name: str(shown.get(name, {}).get("label") or name) for name in table.value}
        assert [each for each in headings.values() if "_" in each] == []
        assert headings.get("multiply_adds", "Multiply-adds") == "Multiply-adds"


def test_two_networks_beside_each_other(open_page):
    app = open_page("build", network="resnet50", beside="resnet50-v1", build_view="Differences")
    assert "2 settings, 6 of 54 layers differ" in texts(app)
    assert list(app.dataframe[0].value["setting"]) == ["name", "stride on"]
    drawings = open_page("build", network="resnet50", beside="resnet50-v1")
    assert ["differs" in [trace.get("name") for trace in figure["data"]] for figure in charts(drawings)] == [True, True]


@pytest.mark.parametrize("view", ["Drawing", "Numbers", "Memory and time", "Code"])
def test_a_network_beside_itself_is_drawn_too(open_page, view):
    assert not open_page("build", network="resnet20", beside="resnet20", build_view=view).error


def test_a_network_beside_itself_differs_in_nothing(open_page):
    app = open_page("build", network="resnet20", beside="resnet20", build_view="Differences")
    assert "0 settings, 0 of 20 layers differ" in texts(app)


def test_the_code_names_the_network(open_page):
    app = open_page("build", network="resnet20-b", build_view="Code")
    assert '"""resnet20-b' in texts(app)


def test_train_takes_the_network_that_is_asked_for(open_page):
    app = open_page("train", network="densenet-40-12")
    assert app.code[0].value.startswith("python -m explorer train densenet-40-12 --data digits")
    app = open_page("train", network="resnet56")
    assert app.code[0].value.startswith("python -m explorer train resnet56 --data digits")


def test_train_offers_stochastic_depth(open_page):
    app = open_page("train", network="resnet56")
    app.number_input(key="one_minute_stochastic_depth").set_value(0.5).run()
    assert "--stochastic-depth 0.5 " in app.code[0].value
    assert not app.error
    app = open_page("train", network="plain56")
    app.number_input(key="one_minute_stochastic_depth").set_value(0.5).run()
    assert app.error[0].value.startswith("Stochastic depth \\(0\\.5\\) drops branches")


def test_xray_takes_the_network_that_is_asked_for(open_page, monkeypatch):
    monkeypatch.setattr("explorer.ui.responses.untrained.awaited", lambda answers, doing: [])
    monkeypatch.setattr("explorer.ui.responses.untrained.compute.ask", lambda *arguments, **options: None)
    app = open_page("responses", study="At initialisation", **{"xray-networks": "preresnet38-c"})
    assert app.multiselect(key="xray-networks").value == ["preresnet38-c"]


def test_depths_of_the_train_page_are_those_of_networks_for_small_images(open_page):
    app = open_page("train")
    assert app.button_group(key="one_minute_plain").options == [f"{depth} layers" for depth in (20, 32, 44, 56, 110)]
    options = app.button_group(key="one_minute_residual").options
    assert options == [f"{depth} layers" for depth in (20, 32, 44, 56, 110, 1202)]


def test_untrained_networks_come_by_family_with_the_usual_ones_first(open_page):
    from explorer.ui.widgets.network_choice import candidates

    untrained = {name: each.label for name, each in candidates().items() if name in NETWORKS}
    assert list(untrained)[:4] == ["plain20", "resnet20", "plain56", "resnet56"]
    assert len(untrained) == len(NETWORKS)
    assert untrained["resnet50"] == "resnet50 · untrained, For ImageNet, as in torchvision"
