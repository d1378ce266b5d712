"""The kinds of input normalisation; importing this module reads no data."""

from dataclasses import dataclass

from explorer.registry import lookup


@dataclass(frozen=True, slots=True)
class NormalisationRow:
    """A kind of normalisation.

    Attributes:
        mean: one number per channel on the 0..1 scale, or one for all channels; empty if measured on training images.
        std: likewise.
        users: whose weights were trained with it.
        source: where the numbers are published.
    """

    name: str
    title: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    users: str = ""
    source: str = ""

    @property
    def measured(self) -> bool:
        return not self.mean


NORMALISATIONS: dict[str, NormalisationRow] = {
    row.name: row
    for row in (
        NormalisationRow(
            name="channel",
            title="Mean and deviation per channel, measured on the training images",
            users="networks trained here",
        ),
        NormalisationRow(
            name="pixel",
            title="Mean image of the training images subtracted",
            users="networks trained here as in He et al. 2015, section 4.2",
        ),
        NormalisationRow(
            name="imagenet",
            title="ImageNet's mean and deviation",
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            users="torchvision and timm; akamaster/pytorch_resnet_cifar10, on CIFAR-10",
            source="torchvision/transforms/_presets.py; trainer.py of akamaster/pytorch_resnet_cifar10",
        ),
        NormalisationRow(
            name="cifar10",
            title="CIFAR-10's mean, and the mean of the deviations within each image",
            mean=(0.4914, 0.4822, 0.4465),
            std=(0.2023, 0.1994, 0.2010),
            users="kuangliu/pytorch-cifar and chenyaofo/pytorch-cifar-models, on CIFAR-10",
            source="main.py of kuangliu/pytorch-cifar; conf/cifar10.conf of chenyaofo/image-classification-codebase",
        ),
        NormalisationRow(
            name="cifar10-pooled",
            title="CIFAR-10's mean, and the deviation over all images",
            mean=(0.4914, 0.4822, 0.4465),
            std=(0.2470, 0.2435, 0.2616),
            users="many repositories that do not copy kuangliu's deviations",
            source="issue 129 of kuangliu/pytorch-cifar; to four digits what `channel` measures on CIFAR-10",
        ),
        NormalisationRow(
            name="cifar100",
            title="CIFAR-100's mean and deviation",
            mean=(0.5070751592371323, 0.48654887331495095, 0.4409178433670343),
            std=(0.2673342858792401, 0.2564384629170883, 0.27615047132568404),
            users="weiaicunzai/pytorch-cifar100; with four digits chenyaofo/pytorch-cifar-models, on CIFAR-100",
            source="conf/global_settings.py of weiaicunzai/pytorch-cifar100; "
            "conf/cifar100.conf of chenyaofo/image-classification-codebase",
        ),
        NormalisationRow(
            name="half",
            title="From -1 to 1",
            mean=(0.5,),
            std=(0.5,),
            users="code that follows PyTorch's CIFAR-10 tutorial",
            source="pytorch/tutorials, beginner_source/blitz/cifar10_tutorial.py",
        ),
        NormalisationRow(
            name="unit",
            title="From 0 to 1, nothing subtracted",
            mean=(0.0,),
            std=(1.0,),
            users="code that uses torchvision's ToTensor alone",
            source="torchvision/transforms/transforms.py, ToTensor",
        ),
    )
}


def normalisation_row(kind: str) -> NormalisationRow:
    """The row of a kind; "channel:cifar10", measured on another data set, has the row of "channel".

    Raises:
        UnknownName: there is no such kind.
    """
    first = NORMALISATIONS.get(kind.partition(":")[0])
    return first if first is not None and first.measured else lookup(NORMALISATIONS, kind, "normalisation")
