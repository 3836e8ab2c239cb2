"""Safetensors files: a header in JSON, then the bytes of the tensors. Read without copies, written without libraries."""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
_NAMES = {"<f8": "F64", "<f4": "F32", "<i8": "I64"}
# The largest header that readers of the format accept, in bytes.
_HEADER_MOST = 100_000_000


def read_tensors(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """The tensors of a file by name, as read-only views of one memory map of the file.

    Raises:
        ValueError: the file is damaged, or has a type that NumPy lacks.
        OSError: it cannot be opened.
    """
    import numpy as np

    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else -1
        if not 0 < length <= min(size - 8, _HEADER_MOST):
            raise ValueError(f"{os.fspath(path)}: not a safetensors file")
        try:
            header = json.loads(file.read(length))
            entries = [
                (name, str(entry["dtype"]), [int(n) for n in entry["shape"]], [int(n) for n in entry["data_offsets"]])
                for name, entry in header.items()
                if name != "__metadata__"
            ]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{os.fspath(path)}: its header is damaged") from None
    start = 8 + length
    data = np.memmap(path, dtype=np.uint8, mode="r")
    tensors: dict[str, NDArray[Any]] = {}
    for name, kind, shape, offsets in entries:
        dtype = _DTYPES.get(kind)
        if dtype is None:
            raise ValueError(f"{os.fspath(path)}: `{name}` has type {kind}, which NumPy lacks")
        bytes_wanted = np.dtype(dtype).itemsize
        for n in shape:
            bytes_wanted *= n
        begin, end = offsets if len(offsets) == 2 else (-1, -1)
        if min(shape, default=0) < 0 or not 0 <= begin <= end <= size - start or end - begin != bytes_wanted:
            raise ValueError(f"{os.fspath(path)}: the place of `{name}` does not fit its shape {shape}")
        tensors[name] = np.asarray(data[start + begin : start + end]).view(dtype).reshape(shape)
    return tensors


def write_tensors(file: BinaryIO, tensors: dict[str, NDArray[Any]]) -> None:
    """Write little-endian arrays of f32, f64 and i64."""
    import numpy as np

    header: dict[str, Any] = {}
    end = 0
    # The widest type first, so that every tensor is aligned.
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    for name in order:
        array = tensors[name]
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": _NAMES[array.dtype.str], "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for name in order:
        file.write(np.ascontiguousarray(tensors[name]).data)
