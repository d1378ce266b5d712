"""Random harm to the content of files; the same generator gives the same harm."""

import json
import warnings
import zipfile
from copy import deepcopy
from io import BytesIO

ODD_VALUES = [
    None, True, False, 0, -1, 1, 7.5, 1e300, -1e300, 2**63, -(2**63), 10**40, float("nan"), float("inf"), "", "text",
    "a\x00\x1b[31m\n\u202e", "\ud800", "x" * 5000, "../../outside", "/outside/run", "９", "0x10", [], [1], [[[]]], {},
    {"a": 1}, ["plain8"], "plain8", "resnet110", "plain8-w1", "digits", "2026-01-01T00:00:00Z",
]  # fmt: skip


def mutated(random, content):
    """One to three changes of bytes: flips, cuts, insertions, chunks repeated, regions swapped."""
    for _ in range(random.randint(1, 3)):
        content = random.choice(BYTES)(random, content) if content else random.randbytes(10)
    return content


def mutated_json(random, content):
    """Bytes changed as above, or values changed where they stand in the structure."""
    if random.random() < 0.3:
        return mutated(random, content)
    value = json.loads(content)
    for _ in range(random.randint(1, 3)):
        value = _changed(random, value)
    return json.dumps(value).encode()


def mutated_zip(random, content):
    """Bytes changed, or a sound archive with one member changed, missing, twice, or of another name."""
    if random.random() < 0.5:
        return mutated(random, content)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = random.randrange(len(members))
    name, inside = members[place]
    kind = random.choice(["change", "change", "change", "remove", "repeat", "rename"])
    if kind == "change":
        members[place] = name, (mutated_json if name.endswith(".json") else mutated)(random, inside)
    elif kind == "remove":
        del members[place]
    elif kind == "repeat":
        members.append((name, mutated(random, inside)))
    else:
        first, _, last = name.partition("/")
        in_run = [f"../{name}", f"/{name}", last, f"{first}/../{last}", f"{first}2/{last}", f"{first}/.{last}"]
        names = [*in_run, f"{first}/snapshots/x.pt", f"{name}/more", name.upper(), "a\\b", "supervisor.lock/run.json"]
        members[place] = random.choice(names), inside
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", random.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, inside in members:
            with warnings.catch_warnings(action="ignore", category=UserWarning):  # of a name that is there twice
                archive.writestr(name, inside)
    return packed.getvalue()


def _flip(random, content):
    place = random.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << random.randrange(8)]) + content[place + 1 :]


def _cut(random, content):
    return content[: random.randrange(len(content))]


def _remove(random, content):
    start, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
    return content[:start] + content[min(end, start + 64) :]


def _insert(random, content):
    place = random.randrange(len(content) + 1)
    return content[:place] + random.randbytes(random.randint(1, 16)) + content[place:]


def _repeat(random, content):
    start, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
    return content[:end] + content[start:end] * random.randint(1, 3) + content[end:]


def _swap(random, content):
    a, b, c = sorted(random.randrange(len(content) + 1) for _ in range(3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


BYTES = [_flip, _flip, _flip, _cut, _remove, _insert, _repeat, _swap]


def _changed(random, value):
    """The same JSON value with one of its parts replaced, removed, renamed, doubled or nested."""
    value = deepcopy(value)
    places = list(_places(value))
    if not places:
        return random.choice(ODD_VALUES)
    holder, key = random.choice(places)
    kind = random.random()
    if kind < 0.6:
        holder[key] = random.choice(ODD_VALUES)
    elif kind < 0.7:
        del holder[key]
    elif kind < 0.8:
        for _ in range(random.choice([1, 30, 100])):
            holder[key] = [holder[key]] if random.random() < 0.5 else {"a": holder[key]}
    elif kind < 0.9 and isinstance(holder, dict):
        holder[random.choice(["another", "", "\x1b", *holder])] = holder[key]
    elif isinstance(holder[key], str):
        holder[key] = mutated(random, holder[key].encode(errors="replace")).decode("latin-1")
    elif isinstance(holder[key], int | float):
        holder[key] = holder[key] * random.choice([-1, 1.5, 10, 10**6, 10**30])
    return value


def _places(value):
    """Every place in a JSON value, as what holds it and its key there."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(pairs):
        yield value, key
        yield from _places(part)
