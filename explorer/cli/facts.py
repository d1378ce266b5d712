"""Commands that list the networks and the device."""

from dataclasses import asdict

from explorer.cli.output import AsJson, show, text_facts, text_table

COLUMNS = ["name", "family", "depth", "parameters", "multiply_adds", "published_error", "published_data"]


def networks(*, json: AsJson = False) -> int:
    """List the named networks with their size and published error; --json has all columns.

    Other names in the style of the literature work too, such as resnet38, preresnet56 or wrn-22-8; -b or -c selects a
    shortcut option, -w32 a width. The command describe shows what a name means.
    """
    from explorer.models.size import networks as table

    rows = table().to_dict("records")
    return show(rows, text_table(rows, COLUMNS), as_json=json)


def device(*, json: AsJson = False) -> int:
    """Show the device, precision and threads of training."""
    from explorer.training.devices import device_facts

    found = asdict(device_facts())
    return show(found, text_facts(found), as_json=json)
