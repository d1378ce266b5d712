"""Commands that look at features and gradients block by block: probe, cka, paths."""

from typing import Annotated, Literal

from tyro.conf import arg

from explorer.cli.named_networks import Data, References, one_reference, references
from explorer.cli.output import AsCsv, AsJson, show_table
from explorer.cli.progress_bar import progress_bar
from explorer.processes import wait_passively

Parts = Annotated[
    Literal["outputs", "interiors", "all"],
    arg(help="Outputs of stem and blocks, responses of the layers inside blocks, or both."),
]


def probe(
    networks: References,
    /,
    *,
    data: Data = "",
    train_images: int = 2000,
    test_images: int = 1000,
    per_image: bool = False,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Fit linear probes to the features after every block: where is the class known? One line per block.

    Args:
        train_images: training images to fit the probes to.
        test_images: test images for the errors.
        per_image: Print one line per test image instead: the point from which the probes are right.
    """
    wait_passively()
    from explorer.studies import probing

    with progress_bar("probing"):
        found = probing.probing(references(networks), data=data, train_images=train_images, test_images=test_images)
    if per_image:
        return show_table("images", found.images, csv=csv, json=json)
    return show_table("probes", found.errors, csv=csv, json=json)


def cka(
    networks: References,
    /,
    *,
    data: Data = "",
    images: int = 2000,
    parts: Parts = "outputs",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure the similarity of every layer to every other one (linear CKA), in and between networks; one line a pair.

    Args:
        images: test images to measure on.
    """
    wait_passively()
    from explorer.studies import similarity

    with progress_bar("comparing layers"):
        table = similarity.layer_similarity(references(networks), data=data, images=images, parts=parts)
    columns = [f"{key}_{side}" for side in ("a", "b") for key in ("reference", "step", "point", "name")]
    return show_table("pairs", table, csv=csv, json=json, columns=[*columns, "cka"])


def cka_pitfall(
    network: Annotated[str, arg(metavar="NETWORK", help="As for cka.")],
    /,
    *,
    data: Data = "",
    images: int = 500,
    moved: int = 1,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Move images where the classifier does not look: CKA falls, no prediction changes; one line per distance.

    Args:
        images: test images.
        moved: of them, how many are moved.
    """
    reference = one_reference(network)
    wait_passively()
    from explorer.studies import similarity

    return show_table(
        "distances", similarity.outlier_example(reference, data=data, images=images, moved=moved), csv=csv, json=json
    )


def paths(
    networks: References,
    /,
    *,
    data: Data = "",
    images: int = 100,
    samples: int = 20,
    seed: int = 0,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Count the paths of each length and measure the gradient along them (Veit et al. 2016, figure 6); a line a length.

    Args:
        images: training images to measure on.
        samples: paths of each length.
        seed: of the drawn paths.
    """
    wait_passively()
    from explorer.studies import paths as study

    with progress_bar("following paths"):
        table = study.path_gradients(references(networks), data=data, images=images, samples=samples, seed=seed)
    return show_table("lengths", table, csv=csv, json=json)
