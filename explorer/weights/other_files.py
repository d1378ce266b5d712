"""Files of other programs and other kinds, told by how they begin or what they contain, each with the next step."""

import re
import zlib
from collections.abc import Sequence

from explorer.weights.next_steps import (
    EXPORT_KERAS,
    EXPORT_NUMPY,
    EXPORT_ORIGINAL,
    EXPORT_PROGRAM,
    PLACE_CIFAR,
    SAVE_AGAIN,
    UNPACK,
)  # fmt: skip

_CIFAR = re.compile(rb"cifar-100?-(?:batches-py|python|binary|batches-bin)")
_BATCH = re.compile(rb"batch_label|fine_label|num_cases_per_batch")
_TENSORFLOW = f"is a network of TensorFlow. {EXPORT_KERAS}"

# How a file begins, and what it is then: the rest of a sentence about it
_STARTS = (
    (rb"\x89HDF\r\n\x1a\n", f"is an HDF5 file (.h5), as Keras writes. {EXPORT_KERAS}"),
    (rb"\x08[\x03-\x1f](?:\x12|:)", f"is an ONNX file. {EXPORT_ORIGINAL}"),
    (rb"\x08\x01\x12|....TFL3", _TENSORFLOW),
    (
        rb"\x93NUMPY",
        (
            "is one numpy array, not the weights of a network by their names. Save those of the whole network: "
            "torch.save(model.state_dict(), FILE)."
        ),
    ),
    (rb"MATLAB \d", f"is a MATLAB file. Load it with scipy.io.loadmat. {SAVE_AGAIN}"),
    (rb"GGUF", "is a GGUF file, of a language model. Give the weights of a ResNet."),
    (
        rb"version https://git-lfs",
        (
            "is a Git LFS pointer, which stands for the weights. Get them with `git lfs pull` in that repository, or "
            "download the file from its page."
        ),
    ),
    (
        rb"\s*(?i:<!doctype|<html|<\?xml)",
        (
            "is not a weights file but a web page. Download the file itself: on GitHub by `Download raw file`, "
            "elsewhere by the link of its download button."
        ),
    ),
    (
        rb"\s*[\[{]\s*[\"{\[]",
        "is not a weights file but text in JSON. Give the .safetensors or .pth file that it belongs to.",
    ),
    (
        rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{12}\x28\0|RIFF....WEBP",
        (
            "is not a weights file but a picture. Pictures are explained on the Attributions page, and by "
            "`python -m explorer attribute NETWORK --image FILE`."
        ),
    ),
    (rb"BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd", f"is a compressed archive. {UNPACK}"),
)


def other_kind(start: bytes) -> str | None:
    """What a file is that begins like this, as the rest of a sentence about it with the next step; None if unknown.

    Args:
        start: its first 512 bytes or more.
    """
    if start.startswith(b"\x1f\x8b"):
        return _compressed(start)
    if start[257:262] == b"ustar":
        return _tar(start)
    if re.match(rb"\x80[\x02-\x05]", start):
        if _BATCH.search(start):
            return f"is a part of CIFAR-10 or CIFAR-100, pictures and not weights. {PLACE_CIFAR}"
        return f"is a pickle that torch.save did not write, and opening it could run code. {SAVE_AGAIN}"
    return next((what for pattern, what in _STARTS if re.match(pattern, start, re.DOTALL)), None)


def other_zip(names: Sequence[str]) -> str | None:
    """What a zip archive is that has parts of these names and is not of torch.save; likewise."""
    if any(name.endswith("model.weights.h5") for name in names):
        return f"is a Keras file (.keras). {EXPORT_KERAS}"
    if names and all(name.endswith(".npy") for name in names):
        return f"is an archive of numpy arrays (.npz). {EXPORT_NUMPY}"
    if any(name.rpartition("/")[2] == "archive_format" for name in names):
        return f"is a program of torch.export (.pt2), not weights. {EXPORT_PROGRAM}"
    return None


def _compressed(start: bytes) -> str:
    try:
        head = zlib.decompressobj(wbits=31).decompress(start, 1024)
    except zlib.error:
        head = b""
    return _tar(head) if head[257:262] == b"ustar" else f"is a compressed file (gzip). {UNPACK}"


def _tar(head: bytes) -> str:
    if _CIFAR.match(head):
        return f"is an archive of CIFAR's pictures, not weights. {PLACE_CIFAR}"
    return f"is a tar archive; unpack it and give the file inside. If PyTorch 0.1 wrote it: {SAVE_AGAIN}"
