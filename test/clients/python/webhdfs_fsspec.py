"""fsspec's webhdfs."""
import os
from urllib.parse import urlsplit

import fsspec

from lab import Lab, refused, same, some_bytes

lab = Lab()
address = urlsplit(lab.endpoint)
fs = fsspec.filesystem("webhdfs", host=address.hostname, port=address.port, user=lab.user)
small = some_bytes(3000)


def at(path):
    return f"{lab.root}/{path}"


def write(path, data=small, mode="wb"):
    with fs.open(at(path), mode) as file:
        file.write(data)


def read(path):
    with fs.open(at(path), "rb") as file:
        return file.read()


@lab.operation("mkdir")
def _():
    fs.makedirs(at("new/deeper"))
    same(fs.isdir(at("new/deeper")), True)


@lab.operation("upload small")
def _():
    write("small")
    same(read("small"), small)


@lab.operation("upload large")
def _():
    data = some_bytes(lab.largeBytes, 2)
    local = os.path.join(lab.scratchDir, "large")
    with open(local, "wb") as file:
        file.write(data)
    fs.put(local, at("large"))
    same(read("large") == data, True, "all bytes")


@lab.operation("empty file")
def _():
    fs.touch(at("empty"))
    write("empty-write", b"")
    same((read("empty"), fs.info(at("empty-write"))["size"]), (b"", 0))


@lab.operation("overwrite")
def _():
    write("twice", some_bytes(9000))
    write("twice", b"second")
    same(read("twice"), b"second")


forgets = "the client forgets the address of an append and fails (`None` as URL) before it sends a byte"
lab.cannot("append", forgets)
lab.cannot("append nothing", forgets)


@lab.operation("download whole")
def _():
    write("whole")
    local = os.path.join(lab.scratchDir, "whole")
    fs.get(at("whole"), local)
    with open(local, "rb") as file:
        same(file.read(), small)


@lab.operation("download ranges")
def _():
    write("ranges")
    same(fs.cat_file(at("ranges"), start=10, end=30), small[10:30])
    with fs.open(at("ranges"), "rb", block_size=500) as file:
        file.seek(2990)
        same(file.read(), small[2990:])


@lab.operation("list flat")
def _():
    folder = lab.many["folder"]
    seen = [os.path.basename(path) for path in fs.ls(folder, detail=False)]
    same(seen, ["below", *(f"file-{i:05}" for i in range(lab.many["files"]))])


@lab.operation("list recursive")
def _():
    same(len(fs.find(lab.many["folder"])), lab.many["files"] + lab.many["filesBelow"])


@lab.operation("stat")
def _():
    write("known")
    info = fs.info(at("known"))
    same((info["type"], info["size"], info["name"]), ("file", 3000, at("known")))
    content = fs.content_summary(at("known"))
    same((content["fileCount"], content["length"]), (1, 3000))
    same(fs.exists(at("nowhere")), False)


@lab.operation("rename file")
def _():
    write("before")
    fs.mv(at("before"), at("after"))
    same((read("after"), fs.exists(at("before"))), (small, False))


@lab.operation("rename folder")
def _():
    write("tree/a/b")
    fs.mv(at("tree"), at("forest"))
    same((read("forest/a/b"), fs.exists(at("tree"))), (small, False))


@lab.operation("delete file")
def _():
    write("doomed")
    fs.rm(at("doomed"))
    same(fs.exists(at("doomed")), False)


@lab.operation("delete folder")
def _():
    write("doomed-tree/a/b")
    fs.rm(at("doomed-tree"), recursive=True)
    same(fs.exists(at("doomed-tree")), False)


@lab.operation("permissions")
def _():
    write("rights")
    fs.chmod(at("rights"), "600")
    same(fs.info(at("rights"))["permission"], "600")
    fs.chown(at("rights"), owner="eve")
    same(fs.info(at("rights"))["owner"], "eve")


lab.cannot("acl", "the client has no call for it")
lab.cannot("metadata", "the client has no call for extended attributes")
lab.cannot("leases", "WebHDFS has no leases")
lab.cannot("expiry", "WebHDFS has no expiry")
lab.cannot("concat", "the client has no call for it")


@lab.operation("names")
def _():
    for name in lab.names:
        write(f"names/{name}/{name}", name.encode())
        same(read(f"names/{name}/{name}"), name.encode(), name)
        same(fs.ls(at(f"names/{name}"), detail=False), [at(f"names/{name}/{name}")])
    fs.makedirs(at(os.path.dirname(lab.deepPath)))
    write(lab.deepPath)
    same(read(lab.deepPath), small)


lab.cannot("conditions", "WebHDFS has no conditions")


@lab.operation("errors")
def _():
    refused(FileNotFoundError, lambda: read("nowhere"))
    refused(FileNotFoundError, lambda: fs.ls(at("nowhere")))
    refused(FileNotFoundError, lambda: fs.info(at("nowhere")))


lab.run()
