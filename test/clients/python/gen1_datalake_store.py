"""azure-datalake-store: files, and its multithreaded up- and download."""
import os

from azure.core.credentials import AccessToken
from azure.datalake.store import core, multithread

from lab import Lab, NotApplicable, refused, same, some_bytes

lab = Lab()
small = some_bytes(3000)


class Credential:
    def get_token(self, *_, **__):
        return AccessToken("a-token", 4_102_444_800)

    def signed_session(self, session=None):
        session.headers["Authorization"] = "Bearer a-token"
        return session


# The address is always https://STORE.SUFFIX/.
store, _, suffix = lab.tlsEndpoint.removeprefix("https://").partition(".")
fs = core.AzureDLFileSystem(token_credential=Credential(), store_name=store, url_suffix=suffix)


def at(path):
    return f"{lab.root}/{path}"


def write(path, data=small, mode="wb"):
    with fs.open(at(path), mode) as file:
        file.write(data)


def read(path):
    return fs.cat(at(path))


@lab.operation("mkdir")
def _():
    fs.mkdir(at("new/deeper"))
    same(fs.info(at("new/deeper"))["type"], "DIRECTORY")


@lab.operation("upload small")
def _():
    write("small")
    same(read("small"), small)


@lab.operation("upload large")
def _():
    local = os.path.join(lab.scratchDir, "large")
    data = some_bytes(lab.largeBytes, 2)
    with open(local, "wb") as file:
        file.write(data)
    multithread.ADLUploader(fs, at("large"), local, nthreads=4, chunksize=1 << 22, overwrite=True)
    multithread.ADLDownloader(fs, at("large"), f"{local}.back", nthreads=4, chunksize=1 << 22, overwrite=True)
    with open(f"{local}.back", "rb") as file:
        same(file.read() == data, True, "all bytes")


@lab.operation("empty file")
def _():
    fs.touch(at("empty"))
    same((read("empty"), fs.info(at("empty"))["length"]), (b"", 0))


@lab.operation("overwrite")
def _():
    write("twice", some_bytes(9000))
    write("twice", b"second")
    same(read("twice"), b"second")


@lab.operation("append")
def _():
    write("growing", b"one")
    write("growing", b"two", "ab")
    same(read("growing"), b"onetwo")


@lab.operation("append nothing")
def _():
    write("unchanged", b"same")
    write("unchanged", b"", "ab")
    same(read("unchanged"), b"same")


@lab.operation("download whole")
def _():
    write("whole")
    fs.get(at("whole"), os.path.join(lab.scratchDir, "whole"))
    with open(os.path.join(lab.scratchDir, "whole"), "rb") as file:
        same(file.read(), small)


@lab.operation("download ranges")
def _():
    write("ranges")
    same(fs.read_block(at("ranges"), 10, 20), small[10:30])
    same((fs.head(at("ranges"), 7), fs.tail(at("ranges"), 9)), (small[:7], small[-9:]))


@lab.operation("list flat")
def _():
    seen = sorted(os.path.basename(path) for path in fs.ls(lab.many["folder"]))
    same(seen, ["below", *(f"file-{i:05}" for i in range(lab.many["files"]))])


@lab.operation("list recursive")
def _():
    same(len(fs.walk(lab.many["folder"])), lab.many["files"] + lab.many["filesBelow"])


@lab.operation("stat")
def _():
    write("known")
    info = fs.info(at("known"))
    same((info["type"], info["length"]), ("FILE", 3000))
    same((fs.du(at("known"))[at("known").lstrip("/")], fs.exists(at("nowhere"))), (3000, False))


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
    same(fs.exists(at("doomed"), invalidate_cache=True), False)
    refused(FileNotFoundError, lambda: fs.rm(at("doomed")))


@lab.operation("delete folder")
def _():
    write("doomed-tree/a/b")
    fs.rm(at("doomed-tree"), recursive=True)
    same(fs.exists(at("doomed-tree"), invalidate_cache=True), False)


@lab.operation("permissions")
def _():
    write("rights")
    fs.chmod(at("rights"), "600")
    same(fs.info(at("rights"), invalidate_cache=True)["permission"], "600")


@lab.operation("acl")
def _():
    fs.mkdir(at("acl"))
    fs.set_acl(at("acl"), "user::rwx,user:eve:r-x,group::r-x,other::---")
    same("user:eve:r-x" in fs.get_acl_status(at("acl"))["entries"], True)
    fs.modify_acl_entries(at("acl"), "user:bob:rwx")
    fs.remove_acl_entries(at("acl"), "user:eve")
    entries = fs.get_acl_status(at("acl"))["entries"]
    same(("user:bob:rwx" in entries, [entry for entry in entries if "eve" in entry]), (True, []))
    fs.remove_acl(at("acl"))


lab.cannot("metadata", "Gen1 has no metadata")
lab.cannot("leases", "Gen1 shows no leases to this client")


@lab.operation("expiry")
def _():
    write("short-lived")
    if lab.place == "source":
        refused(Exception, lambda: fs.set_expiry(at("short-lived"), "RelativeToNow", 3_600_000))
        raise NotApplicable("a WebHDFS primary has no expiry: refused, nothing changed")
    fs.set_expiry(at("short-lived"), "RelativeToNow", 3_600_000)
    same(fs.info(at("short-lived"), invalidate_cache=True)["msExpirationTime"] > 0, True)


@lab.operation("concat")
def _():
    for name in ("one", "two", "three"):
        write(f"parts/{name}", name.encode())
    fs.concat(at("joined"), [at("parts/one"), at("parts/two"), at("parts/three")])
    same(read("joined"), b"onetwothree")


@lab.operation("names")
def _():
    for name in lab.names:
        write(f"names/{name}/{name}", name.encode())
        same(read(f"names/{name}/{name}"), name.encode(), name)
        same([os.path.basename(path) for path in fs.ls(at(f"names/{name}"))], [name])
    write(lab.deepPath)
    same(read(lab.deepPath), small)


lab.cannot("conditions", "Gen1 has no conditions")


@lab.operation("errors")
def _():
    refused(FileNotFoundError, lambda: read("nowhere"))
    refused(FileNotFoundError, lambda: fs.ls(at("nowhere")))
    refused(FileNotFoundError, lambda: fs.info(at("nowhere")))


lab.run()
