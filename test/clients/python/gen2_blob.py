"""The Blob SDK for Python, on an account with folders."""
import base64
from concurrent.futures import ThreadPoolExecutor

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobServiceClient, ContentSettings

from lab import Lab, refused, same, some_bytes

lab = Lab()
service = BlobServiceClient(f"{lab.endpoint}/{lab.account}", credential=lab.key, retry_total=0,
                            max_single_put_size=1 << 20, max_block_size=1 << 20)
filesystem, _, base = lab.root.lstrip("/").partition("/")
container = service.get_container_client(filesystem)
many = lab.many["folder"].lstrip("/").partition("/")[2]
small = some_bytes(3000)


def blob(path):
    return container.get_blob_client(f"{base}/{path}")


def write(path, data=small, **options):
    client = blob(path)
    client.upload_blob(data, overwrite=True, **options)
    return client


def read(path, **options):
    return blob(path).download_blob(**options).readall()


lab.cannot("mkdir", "the Blob API has no folders; names with slashes imply them")


@lab.operation("upload small")
def _():
    write("small")
    same(read("small"), small)


@lab.operation("upload large")
def _():
    data = some_bytes(lab.largeBytes, 2)
    write("large", data, max_concurrency=6)
    same(blob("large").download_blob(max_concurrency=4).readall() == data, True, "all bytes")
    ids = [base64.b64encode(f"block-{i}".encode()).decode() for i in range(4)]
    with ThreadPoolExecutor() as threads:
        for i in reversed(range(4)):
            threads.submit(blob("blocks").stage_block, ids[i], data[i * 1000:(i + 1) * 1000]).result()
    blob("blocks").commit_block_list([BlobBlock(block_id) for block_id in ids])
    same(read("blocks"), data[:4000], "blocks in another order")


@lab.operation("empty file")
def _():
    write("empty", b"")
    same((read("empty"), blob("empty").get_blob_properties().size), (b"", 0))


@lab.operation("overwrite")
def _():
    write("twice", some_bytes(9000))
    write("twice", b"second")
    refused(ResourceExistsError, lambda: blob("twice").upload_blob(b"third"))
    same(read("twice"), b"second")


lab.cannot("append", "append blobs have an API of their own that accounts with folders keep apart from files")
lab.cannot("append nothing", "append blobs have an API of their own that accounts with folders keep apart from files")


@lab.operation("download whole")
def _():
    write("whole")
    same(read("whole"), small)
    same(b"".join(blob("whole").download_blob().chunks()), small)


@lab.operation("download ranges")
def _():
    write("ranges")
    same(read("ranges", offset=10, length=20), small[10:30])
    same(read("ranges", offset=2990), small[2990:])
    refused(HttpResponseError, lambda: read("ranges", offset=5000), lambda error: error.status_code == 416)


@lab.operation("list flat")
def _():
    seen = [found.name for found in container.walk_blobs(f"{many}/")]
    files = [f"{many}/file-{i:05}" for i in range(lab.many["files"])]
    same([name for name in seen if not name.endswith("/")], files)
    same(f"{many}/below/" in seen, True)


@lab.operation("list recursive")
def _():
    seen = [found.name for found in container.list_blobs(name_starts_with=f"{many}/")]
    files = [name for name in seen if name != f"{many}/below"]
    same((len(files), len(set(files))), (lab.many["files"] + lab.many["filesBelow"],) * 2)


@lab.operation("stat")
def _():
    client = write("known", content_settings=ContentSettings(content_type="text/plain"))
    properties = client.get_blob_properties()
    same((properties.size, properties.content_settings.content_type), (3000, "text/plain"))
    same((client.exists(), blob("nowhere").exists()), (True, False))


lab.cannot("rename file", "the Blob API has no rename")
lab.cannot("rename folder", "the Blob API has no rename")


@lab.operation("delete file")
def _():
    write("doomed").delete_blob()
    same(blob("doomed").exists(), False)
    refused(ResourceNotFoundError, blob("doomed").delete_blob)


@lab.operation("delete folder")
def _():
    write("doomed-tree/a")
    refused(HttpResponseError, blob("doomed-tree").delete_blob, lambda error: error.status_code == 409)
    blob("doomed-tree/a").delete_blob()
    blob("doomed-tree").delete_blob()
    same(blob("doomed-tree").exists(), False)


lab.cannot("permissions", "the Blob API has no permissions")
lab.cannot("acl", "the Blob API has no ACLs")


@lab.operation("metadata")
def _():
    client = write("described", metadata={"size": "7"})
    same(client.get_blob_properties().metadata, {"size": "7"})
    client.set_blob_metadata({"colour": "green", "taste": "a b"})
    same(client.get_blob_properties().metadata, {"colour": "green", "taste": "a b"})
    client.set_http_headers(ContentSettings(content_type="text/csv", content_language="de"))
    settings = client.get_blob_properties().content_settings
    same((settings.content_type, settings.content_language), ("text/csv", "de"))


@lab.operation("leases")
def _():
    client = write("leased")
    lease = client.acquire_lease(15)
    refused(HttpResponseError, lambda: write("leased", b"x"), lambda error: error.error_code == "LeaseIdMissing")
    refused(HttpResponseError, client.delete_blob, lambda error: error.error_code == "LeaseIdMissing")
    write("leased", b"mine", lease=lease)
    lease.renew()
    lease.release()
    client.acquire_lease(-1).break_lease(0)
    same((read("leased"), client.get_blob_properties().lease.state), (b"mine", "broken"))
    client.delete_blob()


lab.cannot("expiry", "this client has no call for it")
lab.cannot("concat", "Gen2 has no concat")


@lab.operation("names")
def _():
    for name in lab.names:
        write(f"names/{name}/{name}", name.encode())
        same(read(f"names/{name}/{name}"), name.encode(), name)
        seen = [found.name for found in container.list_blobs(name_starts_with=f"{base}/names/{name}/")]
        same(seen, [f"{base}/names/{name}/{name}"])
    write(lab.deepPath)
    same(read(lab.deepPath), small)


@lab.operation("conditions")
def _():
    client = write("guarded", b"one")
    etag = client.get_blob_properties().etag
    same_as = MatchConditions.IfNotModified
    client.upload_blob(b"two", overwrite=True, etag=etag, match_condition=same_as)
    refused(ResourceModifiedError,
            lambda: client.upload_blob(b"three", overwrite=True, etag=etag, match_condition=same_as))
    refused(ResourceModifiedError, lambda: client.delete_blob(etag=etag, match_condition=same_as))
    refused(HttpResponseError, lambda: read("guarded", etag=etag, match_condition=same_as),
            lambda error: error.status_code == 412)
    same(read("guarded"), b"two")


@lab.operation("errors")
def _():
    refused(ResourceNotFoundError, lambda: read("nowhere"), lambda error: error.error_code == "BlobNotFound")
    missing = service.get_container_client("nowhere-at-all")
    refused(ResourceNotFoundError, lambda: list(missing.list_blobs()), lambda e: e.error_code == "ContainerNotFound")
    refused(HttpResponseError, lambda: blob("uncommitted").commit_block_list([BlobBlock("bm9uZQ==")]),
            lambda error: error.status_code == 400)


lab.run()
