from explorer import tables
from explorer.models.published import published


def test_each_number_stands_with_its_source():
    table = published()
    assert list(table.columns) == tables.PUBLISHED
    errors = table.set_index(["network", "source"])["test_error"]
    assert errors["resnet56", "He et al. 2015, table 6"] == 0.0697
    assert errors["resnet56", "akamaster/pytorch_resnet_cifar10"] == 0.0661


def test_the_one_bound_is_that_of_plain110():
    bounds = published().dropna(subset="above")
    assert bounds[["network", "above"]].to_numpy().tolist() == [["plain110", 0.6]]
