"""Folders of the user's own pictures on pages: the list on the Data page, and every page that offers them."""

import numpy as np
import pytest
from PIL import Image

from explorer.compute.client import compute
from explorer.data.imagenet import categories
from explorer.data.own_folders import add_folder, own_folders
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.store import checkpoint_folder
from explorer.studies.evaluations import evaluation
from explorer.ui.widgets.data_choice import link_to
from tests.app.reading import charts, commands, texts

PETS = "The folder pets"


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch has been loaded before the first page waits for it."""
    compute.ask(evaluation, "plain8", data="digits", images=10).wait(120)


@pytest.fixture
def write(tmp_path):
    """Writes two pictures of random pixels into each of some folders below "pets"; gives that folder."""
    generator = np.random.default_rng(0)

    def written(*names, count=2, above="pets"):
        for name in names:
            for number in range(count):
                file = tmp_path / above / name / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(generator.integers(0, 256, (40, 49, 3), np.uint8)).save(file)
        return tmp_path / above

    return written


@pytest.fixture
def imagenet_like(home):
    """A small network of ImageNet's classes among the checkpoints; gives its id."""
    network = build("resnet8-w4", classes=1000, seed=3)
    checkpoint_folder().mkdir(parents=True)
    facts = CheckpointFacts(
        network=network.config, normalisation="imagenet", data="imagenet", classes=categories(),
        recipe={"image_size": 32},
    )  # fmt: skip
    save_checkpoint(network, checkpoint_folder() / "theirs.safetensors", facts)
    return "theirs"


def button(app, label):
    return next(each for each in app.button if each.label == label)


def test_a_folder_is_added_shown_and_removed(open_page, write):
    pets = write("cat", "dog")
    app = open_page("data")
    assert "There are no folders on the list yet" in texts(app)
    app.text_input(key="folder-0").set_value(str(pets))
    button(app, "Add").click().run()
    assert own_folders() == [f"folder:{pets}"]
    assert "4 test images, no training images" in texts(app)
    assert "2 classes: cat, dog" in texts(app)
    assert app.text_input(key="folder-1").value == ""
    app.button(key=f"remove-folder:{pets}").click().run()
    assert own_folders() == []
    assert "There are no folders on the list yet" in texts(app)
    assert (pets / "cat" / "0.png").exists()


def test_a_path_without_pictures_is_told_and_stays_to_be_mended(open_page, tmp_path):
    app = open_page("data")
    app.text_input(key="folder-0").set_value(str(tmp_path / "nowhere"))
    button(app, "Add").click().run()
    assert "There is no folder" in app.error[0].value
    assert app.text_input(key="folder-0").value == str(tmp_path / "nowhere")


def test_a_folder_that_is_gone_and_a_file_that_is_no_picture_are_told(open_page, write):
    gone, broken = write("cat"), write("dog", above="others")
    add_folder(str(gone))
    add_folder(str(broken))
    gone.rename(gone.with_name("elsewhere"))
    (broken / "dog" / "0.png").write_text("no picture")
    app = open_page("data")
    assert "cannot be read" in texts(app)
    assert "is not a PNG, JPEG or WebP picture" in app.warning[0].value.replace("\\", "")


def test_without_a_folder_the_attributions_page_has_no_field_for_one(open_page):
    app = open_page("attributions", networks="plain8")
    assert "folder" not in [each.key for each in app.selectbox]


@pytest.mark.parametrize(
    ("page", "field"), [("evaluate", "data"), ("responses", "study-data"), ("attributions", "folder")]
)
def test_a_link_to_a_folder_that_is_not_on_the_list_is_refused(open_page, write, page, field):
    pets = write("cat", "dog")
    app = open_page(page, **{"networks": "plain8", field: f"folder:{pets}"})
    assert "nor a folder on your list, so it is not read" in app.warning[0].value
    assert field not in app.query_params
    assert str(pets) not in commands(app)
    assert not app.error


def test_an_evaluation_on_a_folder_reopens_from_its_link(open_page, write, imagenet_like):
    pets = write("tench", "goldfish")
    add_folder(str(pets))
    app = open_page("evaluate", networks=imagenet_like, data=PETS)
    assert not app.error
    assert "Measured on all 4 test images of The folder pets" in texts(app)
    assert f"--data folder:{pets}" in commands(app)
    assert str(pets) not in str(app.query_params)
    (dots,) = [trace for trace in charts(app)[0]["data"] if trace["uid"].endswith("-dots")]
    assert sorted(dots["y"]) == ["goldfish", "tench"]
    assert link_to("data", f"imagenet:{pets}") == {"data": PETS}


def test_a_picture_added_to_the_folder_is_counted_the_next_time(open_page, write, imagenet_like):
    add_folder(str(write("tench", "goldfish")))
    assert open_page("evaluate", networks=imagenet_like, data=PETS).dataframe[0].value["Images"][0] == 4
    write("tench", count=3)
    assert open_page("evaluate", networks=imagenet_like, data=PETS).dataframe[0].value["Images"][0] == 5


def test_two_folders_of_one_name_are_told_apart(open_page, write):
    first, second = write("a"), write("b", above="more/pets")
    add_folder(str(first))
    add_folder(str(second))
    app = open_page("evaluate", networks="plain8")
    assert app.selectbox(key="data").options[-2:] == [f"{PETS}, {first}", f"{PETS}, {second}"]


@pytest.mark.parametrize("study", ["Responses", "Residual ledger", "Gradients"])
def test_studies_measure_trained_and_untrained_networks_on_a_folder(open_page, write, imagenet_like, study):
    pets = write("tench", "goldfish")
    add_folder(str(pets))
    app = open_page("responses", study=study, networks=f"{imagenet_like},resnet8", **{"study-data": PETS})
    assert not app.error
    assert set(app.dataframe[0].value["network"]) == {"resnet8-w4", "resnet8"}
    assert f"--data folder:{pets}" in commands(app)
    assert ("Measured on test images" in texts(app)) == (study != "Responses")


def test_a_study_of_a_network_of_imagenet_without_a_folder_says_what_it_shows(open_page, imagenet_like):
    app = open_page("responses", networks=imagenet_like)
    assert not app.error
    assert "Measured on crops of two photographs, since the images of these networks are not here" in texts(app)


@pytest.mark.parametrize("study", ["xray", "shattering"])
def test_untrained_networks_are_measured_on_a_folder(open_page, write, study):
    pets = write("a", "b", count=20)
    add_folder(str(pets))
    title = {"xray": "At initialisation", "shattering": "Shattered gradients"}[study]
    query = {"study": title, f"{study}-networks": "plain8", f"{study}-data": PETS}
    app = open_page("responses", **query)
    assert not app.error
    assert charts(app)
    assert f"--data folder:{pets}" in commands(app)


def test_pictures_of_a_folder_are_explained_by_class(open_page, write, imagenet_like):
    pets = write("tench", "goldfish")
    add_folder(str(pets))
    app = open_page("attributions", networks=imagenet_like, folder=PETS, **{"class": "tench"})
    assert not app.error
    assert app.selectbox(key="class").options == ["any", "tench", "goldfish"]
    (strip,) = [each for each in charts(app) if any(trace["uid"] == "pictures" for trace in each["data"])]
    hover = next(trace for trace in strip["data"] if trace["uid"] == "pictures")["hovertext"]
    assert [text for row in hover for text in row if text] == [
        f"<b>tench</b><br>Test image {number} of The folder pets" for number in (2, 3)
    ]
    assert f"--data imagenet:{pets}" in commands(app)
    assert len(app.selectbox(key="target").options) == 1002


def test_mistakes_of_a_network_are_found_in_a_folder(open_page, write, imagenet_like):
    add_folder(str(write("tench", "goldfish")))
    app = open_page("attributions", networks=imagenet_like, folder=PETS, pictures="Wrongly classified")
    assert not app.error
    assert "of 4 test images, sorted by how many networks misclassify them, then by confidence" in texts(app)


def test_networks_of_other_classes_are_left_out_with_the_reason(open_page, write, imagenet_like, make_weights):
    add_folder(str(write("tench", "goldfish")))
    run = make_weights(channels=3)
    app = open_page("attributions", networks=f"{run},{imagenet_like}", folder=PETS)
    said = texts(app).replace("\\", "")
    assert "Left out: resnet8-w4" in said
    assert not app.error
    alone = open_page("attributions", networks=run, folder=PETS)
    assert "None of these networks takes the images of The folder pets" in texts(alone)


def test_photographs_are_explained_to_a_network_of_imagenet_without_a_folder(open_page, imagenet_like):
    app = open_page("attributions", networks=imagenet_like)
    assert not app.error
    assert "photographs and uploads can be explained" in texts(app)
    assert app.button_group(key="pictures").options == ["Photographs", "Upload"]
    assert "Picture: Chinese temple" in texts(app).replace("\\", "")
    wrong = open_page("attributions", networks=imagenet_like, pictures="Wrongly classified", image="test:3")
    assert not wrong.error
    assert "Picture: Chinese temple" in texts(wrong).replace("\\", "")


def test_a_folder_with_training_images_can_be_trained_on(open_page, write):
    add_folder(str(write("cat", "dog")))
    write("train/a", "train/b", count=20, above="two kinds")
    kinds = write("val/a", "val/b", above="two kinds")
    add_folder(str(kinds))
    app = open_page("train")
    field = next(each for each in app.button_group if each.label.endswith("Data"))
    assert field.options == ["Handwritten digits", "CIFAR-10", "The folder two kinds"]
    field.set_value(f"folder:{kinds}").run()
    assert not app.exception
    assert [each.label for each in app.number_input if each.label.startswith("Training")] == ["Training images, of 40"]
    assert str(kinds) not in str(app.query_params)


def test_a_mistake_in_a_folder_leads_to_its_explanation(open_page, write, imagenet_like):
    add_folder(str(write("tench", "goldfish")))
    app = open_page("evaluate", evaluation="Most confident mistakes", networks=imagenet_like, data=PETS, shown="3")
    (link,) = app.get("page_link")
    assert "folder=The+folder+pets" in link.proto.query_string
    assert "image=test%3A3" in link.proto.query_string


def test_broken_pictures_are_found_left_out_and_taken_back(open_page, write):
    pets = write("cat", "dog", count=9)
    for number in range(7):
        (pets / "cat" / f"{number}.png").write_text("no picture")
    whole = (pets / "dog" / "8.png").read_bytes()
    (pets / "dog" / "8.png").write_bytes(whole[: len(whole) // 2])
    app = open_page("data")
    app.text_input(key="folder-0").set_value(str(pets))
    button(app, "Add").click().run()
    assert [each.value.replace("\\", "").partition(":")[0] for each in app.warning] == [
        f"7 of 18 pictures in {pets} cannot be read"
    ]
    button(app, "Check the pictures").click().run()
    assert "8 of 18 pictures in" in app.warning[0].value
    assert "and 3 more" in app.warning[0].value
    button(app, "Leave them out").click().run()
    assert not app.warning
    assert "10 test images" in texts(app)
    assert "pictures left out by you: 8" in texts(app).replace("\\", "")
    button(app, "Take back 8 left out").click().run()
    assert "18 test images" in texts(app)


def test_what_was_taken_for_what_stands_on_the_card(open_page, write):
    top = write("Training Set/cat", "Training Set/dog", "validation/cat", "validation/dog", "test/cat", "test/dog")
    (top / "test" / "Thumbs.db").write_bytes(b"")
    add_folder(str(top))
    shown = texts(open_page("data")).replace("\\", "")
    assert "4 training and 4 test images" in shown
    assert "Training images are those in Training Set; errors are measured on validation." in shown
    assert "pictures in test, since errors are measured on validation: 4" in shown
    assert "files and folders of the operating system (__MACOSX, Thumbs.db and the like): 1" in shown


def test_a_folder_of_several_data_sets_offers_each(open_page, write):
    paths = [f"{name}/{split}/{each}" for name in ("birds", "plants") for split in ("train", "test") for each in "ab"]
    top = write(*paths, above="all")
    app = open_page("data")
    app.text_input(key="folder-0").set_value(str(top))
    button(app, "Add").click().run()
    assert "holds 2 data sets" in app.error[0].value
    button(app, "Add plants").click().run()
    assert own_folders() == [f"folder:{top}/plants"]
    assert not app.error


def test_data_sets_that_are_not_here_stay_out_of_the_way(open_page):
    app = open_page("data")
    (more,) = [each.label for each in app.expander]
    assert more == "More data sets: CIFAR-100, SVHN, FashionMNIST, MNIST"
    assert [each.label for each in app.button if each.label.startswith("Download")] == [
        "Download (170 MB)", "Download (169 MB)", "Download (246 MB)", "Download (31 MB)", "Download (12 MB)",
    ]  # fmt: skip
    assert "MNIST" not in str(open_page("evaluate", networks="plain8").selectbox(key="data").options)


def test_a_link_to_a_data_set_that_is_not_here_says_where_it_comes_from(open_page):
    app = open_page("evaluate", networks="plain8", data="MNIST")
    assert app.warning[0].value == (
        "The link asks for images of MNIST, which is not on this machine. Download it on the Data page."
    )
