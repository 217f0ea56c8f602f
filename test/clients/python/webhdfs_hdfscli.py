"""HdfsCLI."""
import os

from hdfs import InsecureClient
from hdfs.util import HdfsError

from lab import Lab, refused, same, some_bytes

lab = Lab()
client = InsecureClient(lab.endpoint, user=lab.user)
small = some_bytes(3000)


def at(path):
    return f"{lab.root}/{path}"


def read(path, **options):
    with client.read(at(path), **options) as reader:
        return reader.read()


def write(path, data=small, **options):
    client.write(at(path), data=data, overwrite=True, **options)


def is_kind(kind):
    return lambda error: error.exception == kind


@lab.operation("mkdir")
def _():
    client.makedirs(at("new/deeper"), permission="750")
    status = client.status(at("new/deeper"))
    same((status["type"], status["permission"]), ("DIRECTORY", "750"))


@lab.operation("upload small")
def _():
    write("small")
    same(read("small"), small)


@lab.operation("upload large")
def _():
    local = os.path.join(lab.scratchDir, "tree")
    os.makedirs(os.path.join(local, "below"))
    for i in range(4):
        with open(os.path.join(local, "below", str(i)), "wb") as out:
            out.write(some_bytes(lab.largeBytes // 4, i))
    client.upload(at("large"), local, n_threads=4)
    back = os.path.join(lab.scratchDir, "back")
    client.download(at("large"), back, n_threads=4)
    for i in range(4):
        with open(os.path.join(back, "below", str(i)), "rb") as file:
            same(file.read() == some_bytes(lab.largeBytes // 4, i), True, f"file {i}")


@lab.operation("empty file")
def _():
    write("empty", b"")
    same((read("empty"), client.status(at("empty"))["length"]), (b"", 0))


@lab.operation("overwrite")
def _():
    write("twice", some_bytes(9000))
    write("twice", b"second")
    refused(HdfsError, lambda: client.write(at("twice"), data=b"third"), is_kind("FileAlreadyExistsException"))
    same(read("twice"), b"second")


@lab.operation("append")
def _():
    write("growing", b"one")
    client.write(at("growing"), data=b"two", append=True)
    client.write(at("growing"), data="three", append=True, encoding="utf-8")
    same(read("growing"), b"onetwothree")


@lab.operation("append nothing")
def _():
    write("unchanged", b"same")
    client.write(at("unchanged"), data=b"", append=True)
    same(read("unchanged"), b"same")


@lab.operation("download whole")
def _():
    write("whole")
    same(read("whole"), small)
    with client.read(at("whole"), chunk_size=1000) as chunks:
        same(b"".join(chunks), small)


@lab.operation("download ranges")
def _():
    write("ranges")
    same(read("ranges", offset=10, length=20), small[10:30])
    same(read("ranges", offset=2990), small[2990:])


@lab.operation("list flat")
def _():
    seen = client.list(lab.many["folder"])
    same(seen, ["below", *(f"file-{i:05}" for i in range(lab.many["files"]))])


@lab.operation("list recursive")
def _():
    found = [name for _, _, names in client.walk(lab.many["folder"]) for name in names]
    same(len(found), lab.many["files"] + lab.many["filesBelow"])


@lab.operation("stat")
def _():
    write("known", permission="640")
    status = client.status(at("known"))
    same((status["type"], status["length"], status["permission"]), ("FILE", 3000, "640"))
    same(client.status(at("nowhere"), strict=False), None)
    content = client.content(at("known"))
    same((content["fileCount"], content["length"], content["directoryCount"]), (1, 3000, 0))
    client.set_times(at("known"), modification_time=1_600_000_000_000)
    if lab.place != "target":  # a Gen2 primary answers with its own time
        same(client.status(at("known"))["modificationTime"], 1_600_000_000_000)


@lab.operation("rename file")
def _():
    write("before")
    client.rename(at("before"), at("after"))
    same(read("after"), small)
    same(client.status(at("before"), strict=False), None)
    refused(HdfsError, lambda: client.rename(at("before"), at("else")))


@lab.operation("rename folder")
def _():
    write("tree/a/b")
    client.rename(at("tree"), at("forest"))
    same(read("forest/a/b"), small)
    client.makedirs(at("shelf"))
    client.rename(at("forest"), at("shelf"))
    same(read("shelf/forest/a/b"), small, "into a folder")


@lab.operation("delete file")
def _():
    write("doomed")
    same(client.delete(at("doomed")), True)
    same(client.delete(at("doomed")), False)


@lab.operation("delete folder")
def _():
    write("doomed-tree/a/b")
    refused(HdfsError, lambda: client.delete(at("doomed-tree")), is_kind("PathIsNotEmptyDirectoryException"))
    same(client.delete(at("doomed-tree"), recursive=True), True)
    same(client.status(at("doomed-tree"), strict=False), None)


@lab.operation("permissions")
def _():
    write("rights")
    client.set_permission(at("rights"), "600")
    same(client.status(at("rights"))["permission"], "600")
    client.set_owner(at("rights"), owner="eve")
    same(client.status(at("rights"))["owner"], "eve")


@lab.operation("acl")
def _():
    client.makedirs(at("acl"))
    client.set_acl(at("acl"), "user::rwx,user:eve:r-x,group::r-x,other::---,default:user:bob:rwx", clear=True)
    entries = client.acl_status(at("acl"))["entries"]
    same(("user:eve:r-x" in entries, "default:user:bob:rwx" in entries), (True, True), str(entries))
    client.set_acl(at("acl"), "user:eve:---", clear=False)
    same("user:eve:---" in client.acl_status(at("acl"))["entries"], True)
    client.remove_acl_entries(at("acl"), "user:eve:")
    client.remove_default_acl(at("acl"))
    same([entry for entry in client.acl_status(at("acl"))["entries"] if "eve" in entry or "default" in entry], [])
    client.remove_acl(at("acl"))


lab.cannot("metadata", "the client has no call for extended attributes")
lab.cannot("leases", "WebHDFS has no leases")
lab.cannot("expiry", "WebHDFS has no expiry")
lab.cannot("concat", "the client has no call for it")


@lab.operation("names")
def _():
    for name in lab.names:
        write(f"names/{name}/{name}", name.encode())
        same(read(f"names/{name}/{name}"), name.encode(), name)
        same(client.list(at(f"names/{name}")), [name])
    same(sorted(client.list(at("names"))), sorted(lab.names))
    write(lab.deepPath)
    same(read(lab.deepPath), small)
    for name in lab.names:
        client.rename(at(f"names/{name}/{name}"), at(f"names/{name}/x-{name[:40]}"))
        same(read(f"names/{name}/x-{name[:40]}"), name.encode(), f"renamed {name}")


lab.cannot("conditions", "WebHDFS has no conditions")


@lab.operation("errors")
def _():
    refused(HdfsError, lambda: read("nowhere"), is_kind("FileNotFoundException"))
    refused(HdfsError, lambda: client.list(at("nowhere")), is_kind("FileNotFoundException"))
    write("file-there")
    refused(HdfsError, lambda: client.makedirs(at("file-there/x")), is_kind("ParentNotDirectoryException"))
    refused(HdfsError, lambda: client.list(at("file-there")))
    refused(HdfsError, lambda: client.write(at("nowhere"), data=b"x", append=True), is_kind("FileNotFoundException"))


lab.run()
