"""Commands that look inside of networks: block, contributions, filters, exciting."""

from typing import Annotated

from tyro.conf import Positional, arg

from explorer import tables
from explorer.cli.named_networks import Data, one_reference
from explorer.cli.output import AsCsv, AsJson, show_table
from explorer.errors import BadSettings
from explorer.processes import wait_passively
from explorer.studies.named_networks import picture_reference

Network = Annotated[Positional[str], arg(metavar="NETWORK", help="As for responses, but one.")]
Image = Annotated[str, arg(help="A test image such as test:0, a photograph such as china.jpg, or the path of a file.")]


def block(
    network: Network,
    /,
    *,
    place: str = "stage1.block1",
    image: Image = "test:0",
    channels: tuple[int, ...] = (),
    data: Data = "",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Compute x, F(x), shortcut(x), their sum and the ReLU of one block on one picture; one line per value.

    Args:
        place: of the block.
        channels: of its output; by default the three most active ones.
    """
    reference = one_reference(network)
    wait_passively()
    from explorer.analysis.inside_blocks import arithmetic_table, most_active
    from explorer.studies import features

    found = features.block_arithmetic(reference, picture_reference(image), place, data=data, paths=True)
    count = len(found.output)
    if beyond := [each for each in channels if not 0 <= each < count]:
        raise BadSettings(f"`channels` (={beyond[0]}) is not one of {place}, which has 0 to {count - 1}.")
    return show_table("values", arithmetic_table(found, list(channels) or most_active(found, 3)), csv=csv, json=json)


def contributions(
    network: Network,
    /,
    *,
    image: Image = "test:0",
    data: Data = "",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Take the scores of one picture apart: what stem and blocks of a pre-activation network add; one line per part."""
    reference = one_reference(network)
    wait_passively()
    from explorer.studies import features

    found = features.contributions(reference, picture_reference(image), data=data, paths=True)
    columns = [each for each in tables.LOGIT_PARTS if each not in ("name", "label")]
    return show_table("parts", found.table, csv=csv, json=json, columns=columns)


def filters(network: Network, /, *, layer: str = "", data: Data = "", csv: AsCsv = False, json: AsJson = False) -> int:
    """Print the weights of one convolution; one line per value.

    Args:
        layer: its name, such as stages.0.0.conv1; by default the first convolution.
    """
    reference = one_reference(network)
    wait_passively()
    from explorer.studies import features

    table = features.filter_table(features.filters(reference, layer, data=data))
    return show_table("values", table, csv=csv, json=json)


def exciting(
    network: Network,
    /,
    *,
    place: str = "stage1.block1",
    channel: int = 0,
    images: int = 1000,
    count: int = 9,
    data: Data = "",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Find the test images that excite one channel of a block most, and where in them; one line per image.

    Args:
        place: a block, or the name of a convolution on the main path.
        channel: of its output, from 0.
        images: test images among which to look.
        count: images to give.
    """
    reference = one_reference(network)
    wait_passively()
    from explorer.studies import features

    found = features.exciting_images(reference, place, channel, data=data, images=images, count=count)
    return show_table("images", found.table, csv=csv, json=json)
