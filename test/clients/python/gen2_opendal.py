"""OpenDAL, with the service that the command line names: azdls or azblob."""
import sys

import opendal
from opendal import exceptions as refusals

from lab import Lab, NotApplicable, refused, same, some_bytes

lab = Lab()
service = sys.argv[1]
is_blob = service == "azblob"
filesystem, _, base = lab.root.lstrip("/").partition("/")
small = some_bytes(3000)


def operator(root):
    place = {"container" if is_blob else "filesystem": filesystem}
    return opendal.Operator(service, endpoint=f"{lab.endpoint}/{lab.account}", account_name=lab.account,
                            account_key=lab.key, root=root, **place)


lake = operator(f"/{base}")
everything = operator("/")
many = lab.many["folder"].lstrip("/").partition("/")[2]


def paths(found):
    return sorted(entry.path for entry in found)


@lab.operation("mkdir")
def _():
    lake.create_dir("new/deeper/")
    same("new/deeper/" in paths(lake.list("new/")), True, str(paths(lake.list("new/"))))


@lab.operation("upload small")
def _():
    lake.write("small", small)
    same(lake.read("small"), small)


@lab.operation("upload large")
def _():
    data = some_bytes(lab.largeBytes, 2)
    if is_blob:
        lake.write("large", data, chunk=4 << 20, concurrent=4)
    else:
        with lake.open("large", "wb") as out:
            out.write(data)
    same(lake.read("large") == data, True, "all bytes")


@lab.operation("empty file")
def _():
    lake.write("empty", b"")
    same((lake.read("empty"), lake.stat("empty").content_length), (b"", 0))


@lab.operation("overwrite")
def _():
    lake.write("twice", some_bytes(9000))
    lake.write("twice", b"second")
    same(lake.read("twice"), b"second")


@lab.operation("append")
def _():
    if is_blob:
        raise NotApplicable("it needs append blobs, which an account with folders cannot mix with the rest")
    lake.write("growing", b"one", append=True)
    lake.write("growing", b"two", append=True)
    same(lake.read("growing"), b"onetwo")


lab.cannot("append nothing", "the client sends nothing for an empty append")


@lab.operation("download whole")
def _():
    lake.write("whole", small)
    same(lake.read("whole"), small)


@lab.operation("download ranges")
def _():
    lake.write("ranges", small)
    with lake.open("ranges", "rb") as file:
        file.seek(10)
        same(file.read(20), small[10:30])
    same(lake.read("ranges", offset=2990), small[2990:])


@lab.operation("list flat")
def _():
    seen = paths(everything.list(f"{many}/"))
    files = [f"{many}/file-{i:05}" for i in range(lab.many["files"])]
    same([path for path in seen if path != f"{many}/"], [f"{many}/below/", *files])


@lab.operation("list recursive")
def _():
    seen = paths(everything.list(f"{many}/", recursive=True))
    # A flat list of blobs has folders as blobs without a slash, as in Azure.
    files = [path for path in seen if not path.endswith("/") and path != f"{many}/below"]
    same(len(set(files)), lab.many["files"] + lab.many["filesBelow"])


@lab.operation("stat")
def _():
    lake.write("known", small, content_type="text/plain")
    found = lake.stat("known")
    same((found.content_length, found.mode.is_file()), (3000, True))
    if is_blob:  # azdls says the type as the request's own Content-Type, which Azure does not keep
        same(found.content_type, "text/plain")


@lab.operation("rename file")
def _():
    if is_blob:
        lake.write("before", small)
        lake.copy("before", "after")
        lake.delete("before")
    else:
        lake.write("before", small)
        lake.rename("before", "after")
    same((lake.read("after"), lake.exists("before")), (small, False))


@lab.operation("rename folder")
def _():
    if is_blob:
        raise NotApplicable("the Blob API has no rename of folders")
    raise NotApplicable("the client refuses to rename folders (IsADirectory) before it asks")


@lab.operation("delete file")
def _():
    lake.write("doomed", small)
    lake.delete("doomed")
    lake.delete("doomed")
    same(lake.exists("doomed"), False)


@lab.operation("delete folder")
def _():
    lake.write("doomed-tree/a/b", small)
    if is_blob:  # its remove_all deletes folders before what is in them, which an account with folders refuses
        for path in ("doomed-tree/a/b", "doomed-tree/a", "doomed-tree"):
            lake.delete(path)
    else:
        lake.remove_all("doomed-tree/")
    same((lake.exists("doomed-tree/a/b"), lake.exists("doomed-tree/")), (False, False))


lab.cannot("permissions", "the client has no call for it")
lab.cannot("acl", "the client has no call for it")


@lab.operation("metadata")
def _():
    if not is_blob:
        raise NotApplicable("the client has no metadata for azdls")
    lake.write("described", small, user_metadata={"colour": "green"})
    same(lake.stat("described").user_metadata, {"colour": "green"})


lab.cannot("leases", "the client has no call for it")
lab.cannot("expiry", "the client has no call for it")
lab.cannot("concat", "Gen2 has no concat")


@lab.operation("names")
def _():
    for name in lab.names:
        lake.write(f"names/{name}/{name}", name.encode())
        same(lake.read(f"names/{name}/{name}"), name.encode(), name)
        seen = [path for path in paths(lake.list(f"names/{name}/")) if not path.endswith("/")]
        same(seen, [f"names/{name}/{name}"])
    lake.write(lab.deepPath, small)
    same(lake.read(lab.deepPath), small)


@lab.operation("conditions")
def _():
    lake.write("guarded", b"one", if_not_exists=True)
    refused(refusals.ConditionNotMatch, lambda: lake.write("guarded", b"two", if_not_exists=True))
    etag = lake.stat("guarded").etag
    same(lake.read("guarded"), b"one")
    if is_blob:
        same(lake.read("guarded", if_match=etag), b"one")
        lake.write("guarded", b"three")
        refused(refusals.ConditionNotMatch, lambda: lake.read("guarded", if_match=etag))


@lab.operation("errors")
def _():
    refused(refusals.NotFound, lambda: lake.read("nowhere"))
    refused(refusals.NotFound, lambda: lake.stat("nowhere"))
    same(paths(lake.list("nowhere/")), [])
    if not is_blob:
        refused(refusals.NotFound, lambda: lake.rename("nowhere", "x"))


lab.run()
