"""Weights for other programs: a checkpoint with its model card, or a state dict of torchvision or timm."""

import io
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import StorageError
from explorer.export.card import model_card
from explorer.files import require_free, write_bytes_atomically, write_text_atomically
from explorer.runs import kept
from explorer.runs.checkpoint_facts import checkpoint_facts
from explorer.weights.layouts import Library, library_name, library_state

CARD = "README.md"
_ENDINGS = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True, slots=True)
class Exported:
    """Files that an export wrote.

    Attributes:
        path: of the weights.
        card: of the model card; None beside a state dict of another library.
        code: a line of Python that loads the weights.
    """

    path: Path
    card: Path | None
    code: str


def export_checkpoint(checkpoint_id: str, target: str | Path = ".") -> Exported:
    """Copy a checkpoint: weights as .safetensors, facts as .json, and a model card.

    The card is README.md in the same folder, as on Hugging Face; where there is one already, it is named after the
    weights.

    Args:
        checkpoint_id: a finished run, or the name of a checkpoint.
        target: a .safetensors file, or a folder in which it is named after the checkpoint.

    Raises:
        RunError: there is no such checkpoint.
        StorageError: a file is there already or cannot be written; then nothing is left behind.
    """
    path = kept.export_checkpoint(checkpoint_id, Path(target))
    card = path.with_name(CARD)
    card = path.with_suffix(".md") if card.exists() else card
    try:
        require_free(card)
        write_text_atomically(card, model_card(checkpoint_facts(checkpoint_id), path.stem))
    except BaseException:
        for each in (path, path.with_suffix(".json")):
            with suppress(OSError):
                each.unlink()
        raise
    return Exported(path, card, f"explorer.load_checkpoint({str(path)!r})")


def export_state_dict(checkpoint_id: str, library: Library, target: str | Path = ".") -> Exported:
    """Write the weights of a checkpoint under the keys of torchvision or timm, where the network has an equal there.

    Args:
        checkpoint_id: as for `load_checkpoint`: a run, RUN@STEP, a checkpoint, a .safetensors file.
        target: a new .safetensors, .pth or .pt file, or a folder in which it is named after checkpoint and library.

    Raises:
        RunError: there is no such checkpoint.
        BadSettings: the library has no such network; the message names those that it has.
        StorageError: the file is there already, has another ending, or cannot be written.
    """
    name = library_name(checkpoint_facts(checkpoint_id).network, library)
    path = Path(target)
    if path.is_dir():
        path /= f"{Path(checkpoint_id).stem}-{library}.safetensors"
    if path.suffix not in _ENDINGS:
        raise StorageError(f"{path} does not end in {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}. Add one of them.")
    require_free(path)
    write_bytes_atomically(path, _content(checkpoint_id, library, path.suffix))
    return Exported(path, None, _code(checkpoint_id, library, name, path))


def _content(checkpoint_id: str, library: Library, ending: str) -> bytes:
    import torch
    from safetensors.torch import save

    from explorer.runs.checkpoints import load_checkpoint

    network = load_checkpoint(checkpoint_id)
    state = {
        key: tensor.contiguous() for key, tensor in library_state(network.config, network.state_dict(), library).items()
    }
    if ending == ".safetensors":
        return save(state, metadata={"format": "pt"})
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


def _code(checkpoint_id: str, library: Library, name: str, path: Path) -> str:
    config = checkpoint_facts(checkpoint_id).network
    if library == "torchvision":
        made = f"torchvision.models.{name}(num_classes={config.classes})"
    else:
        channels = f", in_chans={config.channels}" if config.channels != 3 else ""
        made = f"timm.create_model({name!r}, num_classes={config.classes}{channels})"
    safe = path.suffix == ".safetensors"
    read = f"safetensors.torch.load_file({str(path)!r})" if safe else f"torch.load({str(path)!r}, weights_only=True)"
    return f"network = {made}; network.load_state_dict({read})"


def zipped_checkpoint(checkpoint_id: str) -> bytes:
    """The files that `export_checkpoint` writes, in a zip; raises as it does."""
    packed = io.BytesIO(kept.zipped(checkpoint_id))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(CARD, model_card(checkpoint_facts(checkpoint_id), checkpoint_id))
    return packed.getvalue()
