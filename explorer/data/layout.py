"""Which folders on disk are the classes of training and test images: people nest and name them in many ways."""

from dataclasses import dataclass, field
from pathlib import Path

from explorer.data.listing import Disk
from explorer.data.split_names import Role, composed, role, roles
from explorer.data.splits import SplitName
from explorer.errors import DataMissing

DEEPEST = 4  # folders too many around the classes, at most
MOST_NAMED = 10  # names in a message


class SeveralDataSets(DataMissing):
    """A folder holds several data sets.

    Attributes:
        paths: of the data sets.
    """

    def __init__(self, text: str, paths: tuple[Path, ...]) -> None:
        super().__init__(text)
        self.paths = paths


@dataclass(slots=True)
class Layout:
    """The folders of the classes.

    Attributes:
        top: the folder that holds the classes or the splits, which may lie deeper than the one that was named.
        classes: for each split and class, its folders; two where the disk has a name in two Unicode forms.
        names: what the folder of a split is called on disk; empty if there are test images only.
        passed_over: number of pictures that belong to no class, by reason.
        notes: sentences about what was chosen.
    """

    top: Path
    classes: dict[SplitName, dict[str, list[Path]]]
    names: dict[SplitName, str] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def layout_of(disk: Disk, path: Path) -> Layout:
    """The layout of a folder of pictures.

    - Subfolders named as for training and for validation or testing hold the class folders. Validation images are
      taken as test images if there are any with classes: test images of published sets often have no labels.
    - Class folders may themselves hold the folders for training and testing.
    - Otherwise each subfolder with pictures is a class, and all pictures are test images.

    Folders around these that hold nothing else are skipped.

    Raises:
        SeveralDataSets: it holds several data sets.
        DataMissing: it is no such folder; the message says why.
    """
    top = _unwrapped(disk, path)
    holders = disk.holders(top)
    found = _of_splits(disk, top, holders) or _of_classes_with_splits(disk, top, holders)
    if found is None:
        _require_one(disk, top, holders)
        _require_classes(disk, top, holders)
        found = Layout(top, {"test": _merged(top, holders)})
        found.passed_over |= _outside(disk, top)
    if top != path:
        found.notes.insert(0, f"Taken from {top}, inside the folder that was named.")
    return found


def _unwrapped(disk: Disk, path: Path, *, split: bool = False) -> Path:
    """The folder inside that alone holds all pictures, unless it is a class or a split.

    Args:
        split: `path` is the folder of a split, in which one of the same name may lie.
    """
    for _ in range(DEEPEST):
        holders = disk.holders(path)
        if len(holders) != 1 or disk.listing(path).pictures:
            return path
        inner = path / holders[0]
        if disk.listing(inner).pictures or disk.listing(inner).unread or not disk.holders(inner):
            return path  # a single class
        if role(inner.name) and not split and inner.name != path.name:
            return path
        path = inner
    return path


def _of_splits(disk: Disk, top: Path, holders: list[str]) -> Layout | None:
    told = roles(holders)
    train = _with_role(told, "train")
    tests = [*_with_role(told, "validation"), *_with_role(told, "test")]
    if not (train and tests) and (not told or set(holders) - set(told)):
        return None  # classes, one of which may be called "train"
    places = {name: _unwrapped(disk, top / name, split=True) for name in told}
    labelled = [name for name in tests if disk.holders(places[name])]
    if not train or not labelled:
        raise DataMissing(_one_split_only(disk, top, list(told), tests, places))
    for alike in (train, [name for name in labelled if told[name] == told[labelled[0]]]):
        if len(alike) > 1:
            raise DataMissing(
                f"The folder {top} has two folders for the same images, {alike[0]} and {alike[1]}. Put their pictures "
                "together, or take one out."
            )
    found = Layout(top, {}, {"train": train[0], "test": labelled[0]})
    for split, name in found.names.items():
        inner = disk.holders(places[name])
        _require_classes(disk, places[name], inner)
        found.classes[split] = _merged(places[name], inner)
        found.passed_over |= _outside(disk, places[name])
    _note_what_is_used(disk, found, holders, labelled[1:], places)
    _require_same_classes(found, places)
    found.passed_over |= _outside(disk, top)
    return found


def _with_role(told: dict[str, Role], wanted: Role) -> list[str]:
    return [name for name, kind in told.items() if kind == wanted]


def _note_what_is_used(
    disk: Disk, found: Layout, holders: list[str], spare: list[str], places: dict[str, Path]
) -> None:
    train, test = found.names["train"], found.names["test"]
    found.notes.append(f"Training images are those in {train}; errors are measured on {test}.")
    for name in holders:
        if name in (train, test):
            continue
        count = len(disk.pictures(found.top / name))
        if name in spare:
            found.notes.append(f"{name} is not used; to measure errors on its images, name {places[name]}.")
            found.passed_over[f"pictures in {name}, since errors are measured on {test}"] = count
        elif name in places:
            found.passed_over[f"pictures in {name}, which has no class folders, so no labels"] = count
        else:
            found.passed_over[f"pictures in {name}, beside {train} and {test}"] = count


def _of_classes_with_splits(disk: Disk, top: Path, holders: list[str]) -> Layout | None:
    """Class folders that each hold their training and test images: cats/train, cats/test, dogs/train, ..."""
    found: dict[SplitName, dict[str, list[Path]]] = {"train": {}, "test": {}}
    names: dict[SplitName, str] = {}
    for name in holders:
        pair = _pair(disk, top / name)
        if pair is None or any(disk.holders(top / name / each) for each in pair):
            return None
        for split, each in zip(("train", "test"), pair, strict=True):
            found[split].setdefault(composed(name), []).append(top / name / each)  # type: ignore[index]
        names = {"train": pair[0], "test": pair[1]}
    if not holders:
        return None
    layout = Layout(top, found, names, _outside(disk, top))
    layout.notes.append(
        f"Each class has its own folders: {names['train']} for training, {names['test']} for the errors."
    )
    return layout


def _pair(disk: Disk, path: Path) -> tuple[str, str] | None:
    """The names of the folders for training and for testing in a folder, if it has both."""
    told = roles(disk.holders(path))
    train, tests = _with_role(told, "train"), [*_with_role(told, "validation"), *_with_role(told, "test")]
    return (train[0], tests[0]) if train and tests else None


def _require_one(disk: Disk, top: Path, holders: list[str]) -> None:
    inside = [_unwrapped(disk, top / name) for name in holders]
    if not any(_pair(disk, each) for each in inside):
        return
    data_sets = tuple(each for each in inside if _pair(disk, each) or len(disk.holders(each)) > 1)
    raise SeveralDataSets(
        f"The folder {top} holds {len(data_sets)} data sets, each with its own training and test images: "
        f"{_listed([each.name if each.parent == top else str(each.relative_to(top)) for each in data_sets])}. Name one "
        f"of them, as in {data_sets[0]}.",
        data_sets,
    )


def _require_classes(disk: Disk, place: Path, holders: list[str]) -> None:
    if holders:
        return
    if disk.listing(place).folders and not disk.listing(place).pictures:
        raise DataMissing(
            f"The folders in {place} have no pictures ({', '.join(sorted(disk.listing(place).folders)[:MOST_NAMED])}). "
            "Put the pictures of each class into its folder."
        )
    raise DataMissing(_no_classes(place))


def _no_classes(place: Path) -> str:
    return f"The folder {place} has no subfolders. Put the pictures of each class into a subfolder with its name."


def _one_split_only(disk: Disk, top: Path, told: list[str], tests: list[str], places: dict[str, Path]) -> str:
    usable = next((places[name] for name in told if disk.holders(places[name])), None)
    flat = [name for name in tests if not disk.holders(places[name])]
    without = f" ({_listed(flat)} {'has' if len(flat) == 1 else 'have'} no class folders, so no labels)" if flat else ""
    text = f"The folder {top} has {' and '.join(told)} and no others{without}, where training needs train and val."
    return f"{text} To evaluate on the images there, name {usable} itself." if usable else (
        f"{text} Put the pictures of each class into a subfolder with its name."
    )  # fmt: skip


def _require_same_classes(found: Layout, places: dict[str, Path]) -> None:
    train, test = (list(found.classes[split]) for split in ("train", "test"))
    unknown = [name for name in test if name not in train]
    absent = [name for name in train if name not in test]
    if unknown:
        one = len(unknown) == 1
        what = f"a class {unknown[0]!r}" if one else f"{len(unknown)} classes"
        which = "" if one else f": {_listed(unknown)}"
        also = f" Only {found.names['train']} has {_listed(absent)}." if absent else ""
        it = "it" if one else "them"
        raise DataMissing(
            f"The folder {places[found.names['test']]} has {what} that the folder {found.names['train']} does not "
            f"have{which}.{also} Take {it} out, rename {it}, or put training images of {it} there."
        )
    if absent:
        found.notes.append(f"{found.names['test']} has no images of {_listed(absent)}.")


def _merged(place: Path, names: list[str]) -> dict[str, list[Path]]:
    """Class folders by name in composed form, sorted by it: the same on every disk."""
    found: dict[str, list[Path]] = {}
    for name in names:
        found.setdefault(composed(name), []).append(place / name)
    return {name: found[name] for name in sorted(found)}


def _outside(disk: Disk, place: Path) -> dict[str, int]:
    """Pictures beside class folders, and folders without pictures."""
    listed, found = disk.listing(place), {}
    if listed.pictures:
        found[f"pictures directly in {place.name}, outside the folders of classes"] = len(listed.pictures)
    empty = [name for name in listed.folders if not disk.holds_pictures(place / name)]
    if empty:
        found[f"folders without pictures in {place.name}: {_listed(empty)}"] = len(empty)
    return found


def _listed(names: list[str]) -> str:
    """Names in a sentence; many are cut short, with their number."""
    shown = [repr(name) for name in names[:MOST_NAMED]]
    if len(names) > MOST_NAMED:
        return f"{', '.join(shown)} and {len(names) - MOST_NAMED:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
