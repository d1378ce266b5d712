"""The five commonest tasks, from Home, in few clicks; typing and dialogs of the system are not counted."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
CHART = ".explorer-chart .main-svg"
CHANGING = ("test_train_networks_and_compare_them", "test_evaluate_own_weights")
RACE = (
    ".explorer-chart[aria-label^='Training error and test error of plain20'][aria-label*=resnet20] .main-svg >> nth=0"
)


@pytest.fixture
def server(server, busy_server, request):
    return busy_server if request.node.name in CHANGING else server


@pytest.fixture
def home(page):
    """The Home page, with a list of what was clicked."""
    page.clicked = []
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/")
    page.get_by_role("button", name="Start the one-minute demo").wait_for()
    page.locator(IDLE).wait_for()
    return page


def click(page, role, name):
    """Click on what a reader sees under this name."""
    page.get_by_role(role, name=name).first.click()
    page.clicked.append(name)
    page.locator(IDLE).wait_for()


def give_file(page, path):
    """Click on the button of an upload, and choose a file in the dialog."""
    with page.expect_file_chooser() as dialog:
        page.get_by_test_id("stFileUploaderDropzone").first.click()
    page.clicked.append("Upload")
    dialog.value.set_files(path)


def test_see_degradation(home):
    click(home, "link", "Or see networks already trained")
    home.get_by_text("the training error of plain networks rises").wait_for()
    home.locator(RACE).wait_for()
    assert len(home.clicked) <= 1


def test_train_networks_and_compare_them(home):
    click(home, "link", "Or choose your own networks")
    home.get_by_label("Steps", exact=True).fill("20")
    home.get_by_label("Steps", exact=True).press("Enter")
    home.wait_for_url("**/train?*steps=20*")
    click(home, "button", "Start")
    home.wait_for_url("**/train?experiment=*")
    home.locator(CHART).first.wait_for()
    home.get_by_role("button", name="Race and verdict").first.click()
    home.clicked.append("Race and verdict")
    home.wait_for_url("**/degradation?*experiment=*")
    home.locator(RACE).wait_for()
    assert len(home.clicked) <= 3


@pytest.mark.slow
def test_look_at_figure_7(home):
    click(home, "link", "Responses")
    home.get_by_text("figure 7").first.wait_for()
    home.locator(CHART).first.wait_for()
    assert len(home.clicked) <= 1


@pytest.mark.slow
def test_evaluate_own_weights(home, tmp_path):
    import torch

    from explorer.models.catalogue import network_config
    from explorer.models.network import build

    own = network_config("resnet8").model_copy(update={"channels": 1})
    torch.save(build(own).state_dict(), tmp_path / "mine.pt")
    click(home, "link", "Checkpoints")
    give_file(home, tmp_path / "mine.pt")
    home.get_by_text("mine.pt").first.wait_for()
    click(home, "button", "Import")
    home.get_by_text("Imported: resnet8").wait_for()
    home.locator(IDLE).wait_for()
    home.get_by_test_id("stMainBlockContainer").get_by_role("link", name="Evaluate").click()
    home.clicked.append("Evaluate")
    home.wait_for_url("**/evaluate?*networks=mine*")
    home.locator(CHART).first.wait_for()
    assert len(home.clicked) <= 4


@pytest.mark.slow
def test_attributions_of_an_own_picture(home, tmp_path):
    from PIL import Image

    Image.new("RGB", (40, 40), "orange").save(tmp_path / "mine.png")
    click(home, "link", "Attributions")
    click(home, "radio", "Upload")
    give_file(home, tmp_path / "mine.png")
    home.get_by_text("Picture: Upload").or_(home.get_by_text("whatever it shows")).first.wait_for()
    home.locator(CHART).nth(1).wait_for()
    assert len(home.clicked) <= 5
