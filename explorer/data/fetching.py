"""Files from the web: resumed where the server supports it, with clear errors."""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import DataMissing

CHUNK = 1 << 18  # bytes read at most before the caller can report progress or cancel
TIMEOUT_SECONDS = 30.0  # seconds without a byte after which the server counts as gone


@dataclass(frozen=True, slots=True)
class Source:
    """A file on the web.

    Attributes:
        title: what it belongs to, in messages.
        size: in bytes.
        folder: what to copy into the data folder instead, in messages.
    """

    title: str
    address: str
    size: int
    folder: str


def mirrored(url: str, folder: str = "") -> str:
    """The address of a published file, or of its copy in the web folder that `EXPLORER_MIRROR` names.

    Args:
        folder: the folder in the mirror, where several data sets have files of one name.
    """
    mirror = os.environ.get("EXPLORER_MIRROR")
    name = url.rpartition("/")[2]
    return "/".join(filter(None, (mirror.rstrip("/"), folder, name))) if mirror else url


def fetched(source: Source, part: Path, start: int = 0) -> Iterator[int]:
    """Download into the file `part` after its first `start` bytes; yields the bytes in `part`.

    Raises:
        DataMissing: no connection, an error from the server, or an early end; what arrived stays in `part`.
        OSError: `part` cannot be written.
    """
    done = part.stat().st_size if part.exists() else 0
    if done >= start + source.size:  # complete, but its checksum has not been compared yet
        yield done
        return
    with _request(source, done - start) as response, part.open("ab") as file:
        if done > start and response.status != http.client.PARTIAL_CONTENT:  # the server starts from the first byte
            file.truncate(start)
            done = start
        yield done
        while chunk := _read(source, response):
            file.write(chunk)
            done += len(chunk)
            yield done
    if done - start < source.size:
        reason = (
            f"The download of {source.title} from {source.address} stopped at {done - start:,} of {source.size:,} bytes"
        )
        raise DataMissing(f"{reason}. Start it again: it goes on where it stopped.", reason=reason)


def _request(source: Source, start: int) -> http.client.HTTPResponse:
    if not source.address.startswith(("http://", "https://")):
        reason = f"EXPLORER_MIRROR leads to {source.address}, which is not a web address (http:// or https://)"
        raise DataMissing(f"{reason}.", reason=reason)
    headers = {"User-Agent": "resnet-explorer"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(source.address, headers=headers)  # noqa: S310 - a web address, see above
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(source, error) from error
    return response


def _read(source: Source, response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)  # whatever has arrived, without waiting for a full chunk
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(source, error) from error


def _unreachable(source: Source, error: Exception) -> DataMissing:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        cause = f"the server answered {error.code} {error.reason}"
    else:
        inner = getattr(error, "reason", error)  # a URLError wraps the cause
        cause = str(getattr(inner, "strerror", None) or inner)
    reason = f"{source.title} could not be downloaded from {source.address}: {cause}"
    return DataMissing(
        f"{reason}. Check the network and start it again, copy the folder {source.folder} from another machine into "
        "the data folder, or choose the built-in digits.",
        reason=reason,
    )
