"""put or get a folder with the Data Lake SDK: ENDPOINT KEY DISK LAKE."""
import pathlib
import sys

from azure.storage.filedatalake import DataLakeServiceClient

word, endpoint, key, disk, place = sys.argv[1:]
disk = pathlib.Path(disk)
filesystem, _, base = place.lstrip("/").partition("/")
lake = DataLakeServiceClient(endpoint, credential=key).get_file_system_client(filesystem)
parallel = {"max_concurrency": 8}

if word == "put":
    for path in sorted(disk.rglob("*")):
        name = f"{base}/{path.relative_to(disk)}"
        if path.is_dir():
            lake.create_directory(name)
        elif path.stat().st_size == 0:
            # upload_data makes nothing of nothing.
            lake.get_file_client(name).create_file()
        else:
            with path.open("rb") as data:
                lake.get_file_client(name).upload_data(data, overwrite=True, chunk_size=8 << 20, **parallel)
else:
    for entry in lake.get_paths(base):
        path = disk / pathlib.PurePosixPath(entry.name).relative_to(base)
        if entry.is_directory:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as data:
                lake.get_file_client(entry.name).download_file(**parallel).readinto(data)
