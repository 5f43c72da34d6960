"""The program that reads HDF5 files, in a separate process; nothing else imports h5py.

    python child.py FOLDER …        the folders that numpy and h5py are imported from

A line of JSON on standard input asks for one file (`path`, and `start`, where in it HDF5 begins), names the `directory`
for what is found, and says how many `seconds` of computing, seconds of waiting (`patience`) and bytes of `memory` that
may take. A fork of this process reads the file; how that ended is the reply, on the file descriptor `replies`:
`{"status": 0}`, or the negative number of the signal that ended it.

The fork writes `tree.json`: groups, their attributes as text, and their datasets. Where the values of a dataset are
one piece of the file, as in all that Keras writes, it says where (`at`), and they are not read here; others go to
`values.bin`.
"""

import io
import json
import os
import resource
import signal
import sys
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

sys.path += sys.argv[1:]
import h5py
import numpy as np

Json = dict[str, Any]

TEXTS, NAMES = ("model_config", "keras_version"), ("weight_names", "layer_names")
"""The attributes that are read: texts, and lists of names, which Keras splits into `name0`, `name1`, … if long."""
SKIPPED = ("optimizer", "optimizer_weights")
"""What has no part in predictions, and is as large as all that has."""
DEEPEST, MOST = 100, 200_000
"""How many groups may lie in each other, and how many groups and datasets a file may have."""
UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError)


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            answer(request)
        _, status = os.waitpid(pid, 0)
        reply = {"status": os.waitstatus_to_exitcode(status)}
        os.write(request["replies"], json.dumps(reply).encode() + b"\n")
    os._exit(0)


def answer(request: Json) -> None:
    """Read one file and end, whatever happens."""
    status = 1
    try:
        limit(request["seconds"], request["patience"], request["memory"])
        found = read(request)
        Path(request["directory"], "tree.json").write_text(json.dumps(found))
        status = 0
    finally:
        os._exit(status)


def limit(seconds: float, patience: float, memory: int) -> None:
    """Limit the time and memory of this process: SIGPROF or SIGALRM ends it, and large allocations fail."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, patience)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = Path("/proc/self/statm")
    if pages.exists():  # the limit counts all addresses, those of libraries too, and only Linux enforces it
        memory += int(pages.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def read(request: Json) -> Json:
    """Return the content of a file, or the reason why it cannot be read."""
    try:
        with open(Path(request["directory"], "values.bin"), "wb") as values, opened(request) as file:
            return Reader(values).group(file, DEEPEST)
    except UNREADABLE as error:
        return {"fault": first_line(error)}
    except MemoryError:
        return {"fault": "it takes far more memory than a file of its size can need"}


def opened(request: Json) -> h5py.File:
    if not request["start"]:
        return h5py.File(request["path"], "r", locking=False)
    return h5py.File(Window(request["path"], request["start"], request["length"]), "r")


class Window(io.RawIOBase):
    """A part of a file, as if it were a file."""

    def __init__(self, path: str, start: int, length: int) -> None:
        self.file, self.start, self.length, self.place = os.open(path, os.O_RDONLY), start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.length}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), max(0, self.length - self.place))
        content = os.pread(self.file, wanted, self.start + self.place)
        buffer[: len(content)] = content
        self.place += len(content)
        return len(content)


class Reader:
    """Turns groups and datasets into plain data."""

    def __init__(self, values: BinaryIO) -> None:
        self.values, self.count = values, 0

    def group(self, group: h5py.Group, depth: int) -> Json:
        """Return a group with all its members.

        Raises:
            RuntimeError: groups lie in each other without end.
        """
        members = {}
        for name in group:
            if depth == DEEPEST and name in SKIPPED:
                continue
            self.count += 1
            if self.count > MOST or not depth:
                raise RuntimeError("its groups are nested without end")
            found = self.member(group, name, depth - 1)
            if found is not None:
                members[name] = found
        return {"attributes": attributes(group), "members": members}

    def member(self, group: h5py.Group, name: str, depth: int) -> Json | None:
        """Return a member of a group; None if its name leads to nothing."""
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            return {"fault": "elsewhere"}
        try:
            item = group[name]
        except UNREADABLE as error:
            return None if isinstance(link, h5py.SoftLink) else {"fault": first_line(error)}
        if isinstance(item, h5py.Group):
            return self.group(item, depth)
        try:
            return self.dataset(item)
        except UNREADABLE as error:
            return {"fault": first_line(error)}
        except MemoryError:
            return {"fault": "its values take more memory than a file of this size can need"}

    def dataset(self, dataset: Any) -> Json:
        """Describe a dataset: its shape and dtype, and where its values are."""
        if not isinstance(dataset, h5py.Dataset):
            return {"fault": "neither a group nor a dataset"}
        if dataset.shape is None:
            return {"fault": "a dataset without a shape"}
        found = {"shape": list(dataset.shape), "dtype": dataset.dtype.str, "named": str(dataset.dtype)}
        if dataset.external or dataset.is_virtual:
            return {**found, "fault": "elsewhere"}
        if not is_stored(dataset):
            return {**found, "fault": "unwritten"}
        if not is_number(dataset.dtype):
            return found
        if in_one_piece(dataset):
            return {**found, "at": dataset.id.get_offset()}
        kept = {**found, "kept": self.values.tell()}
        np.asarray(dataset[()]).tofile(self.values)
        return kept


def attributes(group: h5py.Group) -> Json:
    """Return the attributes that describe the model."""
    found: Json = {name: text(group.attrs[name]) for name in TEXTS if name in group.attrs}
    for name in NAMES:
        parts = [group.attrs[name]] if name in group.attrs else []
        while f"{name}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{name}{len(parts)}"])
        found[name] = [text(item) for part in parts for item in np.ravel(part)]
    return found


def text(value: Any) -> str:
    """Return the text of an attribute; bytes that are not UTF-8 become lone surrogates."""
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)


def is_stored(dataset: h5py.Dataset) -> bool:
    """Whether every value was written; HDF5 reads zeros, however many, where none was."""
    if not dataset.size:
        return True
    if dataset.chunks:
        chunks = (-(-length // size) for length, size in zip(dataset.shape, dataset.chunks, strict=True))
        return bool(dataset.id.get_num_chunks() == prod(chunks))
    return bool(dataset.id.get_storage_size() >= dataset.size * dataset.id.get_type().get_size())


def is_number(dtype: np.dtype[Any]) -> bool:
    """Whether the values can be weights; a bfloat16, which HDF5 does not have, is stored as two bytes."""
    return dtype.kind in "fiu" or (dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None)


def in_one_piece(dataset: h5py.Dataset) -> bool:
    """Whether the bytes in the file are exactly those of the array that HDF5 would return."""
    plain = not dataset.chunks and dataset.size and dataset.id.get_offset() is not None
    return bool(plain and h5py.h5t.py_create(dataset.dtype).equal(dataset.id.get_type()))


def first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].strip("'\"") if lines else type(error).__name__


if __name__ == "__main__":
    main()
