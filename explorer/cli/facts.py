"""Commands that tell what there is: networks, device."""

from explorer import tables
from explorer.cli.output import AsJson, show, text_facts, text_table


def networks(*, json: AsJson = False) -> int:
    """List the named networks with their size and published error.

    Other depths 6n+2 work too, such as resnet38; -b or -c chooses a shortcut option of a resnet, -w32 a width.
    """
    from explorer.models.size import networks as table

    rows = table().to_dict("records")
    show(rows, text_table(rows, tables.NETWORKS), as_json=json)
    return 0


def device(*, json: AsJson = False) -> int:
    """Tell what training runs on: device, precision, threads."""
    from explorer.training.devices import device_facts

    found = device_facts()
    show(found, text_facts(found), as_json=json)
    return 0
