"""Commands that tell what there is: networks, device."""

from dataclasses import asdict

from explorer.cli.output import AsJson, show, text_facts, text_table

TOLD = ["name", "family", "depth", "parameters", "multiply_adds", "published_error", "published_data"]


def networks(*, json: AsJson = False) -> int:
    """List the named networks with their size and published error; --json has all that is known.

    Every other name of the literature's kind works too, such as resnet38, preresnet56 or wrn-22-8; -b or -c chooses a
    shortcut option, -w32 a width. The command describe tells what a name stands for.
    """
    from explorer.models.size import networks as table

    rows = table().to_dict("records")
    show(rows, text_table(rows, TOLD), as_json=json)
    return 0


def device(*, json: AsJson = False) -> int:
    """Tell what training runs on: device, precision, threads."""
    from explorer.training.devices import device_facts

    found = asdict(device_facts())
    show(found, text_facts(found), as_json=json)
    return 0
