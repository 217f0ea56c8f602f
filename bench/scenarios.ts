// What is measured: the requests of each scenario, the same ones for the gateway and for the bare proxy.
import type { Request } from 'autocannon';

/** Every file has this size. */
export const fileBytes = 4096;
/** A Gen2 account in path style, as the sample config has it. */
export const accountPath = '/devstoreaccount1';
/** The file that all reads ask for; it is there from the start. */
export const readFile = '/lake/read';
/** Callers with this header read from the target. */
export const readsTargetHeader = { 'x-bench-reads': 'target' };

/** One thing a client does; some take several requests. */
export interface Scenario {
  name: string;
  /** In words, for the table. */
  gateway: string;
  proxy: string;
  /** Fresh ones for each run: paths are made as they are sent. */
  requests(run: string): Request[];
}

const body = Buffer.alloc(fileBytes, 0x61);
const version = { 'x-ms-version': '2024-11-04' };
const gen2Headers = { ...version, ...readsTargetHeader };

/** A request to a new file each time. */
function toNewFile(run: string, request: Omit<Request, 'path'>, pathOf: (file: string) => string): Request {
  let count = 0;
  return {
    ...request,
    path: pathOf('first'),
    setupRequest: (each, context) => {
      context.file = `/lake/w/${run}-${++count}`;
      return { ...each, path: pathOf(String(context.file)) };
    },
  };
}

/** A further request to the file of the one before. */
function toSameFile(request: Omit<Request, 'path'>, pathOf: (file: string) => string): Request {
  return {
    ...request,
    path: pathOf('first'),
    setupRequest: (each, context) => ({ ...each, path: pathOf(String(context.file)) }),
  };
}

/** All of them. `data=true` is HttpFS's way to have no first step, so that a write is one request for both. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'webhdfs-read',
    gateway: 'OPEN, served by the WebHDFS store',
    proxy: 'OPEN',
    requests: () => [{ method: 'GET', path: `/webhdfs/v1${readFile}?op=OPEN&data=true` }],
  },
  {
    name: 'dfs-read',
    gateway: 'Read, served by the Gen2 store',
    proxy: 'Read',
    requests: () => [{ method: 'GET', path: accountPath + readFile, headers: gen2Headers }],
  },
  {
    name: 'webhdfs-write',
    gateway: 'CREATE, to both stores',
    proxy: 'CREATE, to one store',
    requests: (run) => [
      toNewFile(
        run,
        { method: 'PUT', body, headers: { 'content-type': 'application/octet-stream' } },
        (file) => `/webhdfs/v1${file}?op=CREATE&overwrite=true&data=true`,
      ),
    ],
  },
  {
    name: 'put-blob',
    gateway: 'Put Blob, to both stores',
    proxy: 'Put Blob, to one store',
    requests: (run) => [
      toNewFile(
        run,
        {
          method: 'PUT',
          body,
          headers: {
            ...gen2Headers,
            'x-ms-blob-type': 'BlockBlob',
            'content-type': 'application/octet-stream',
          },
        },
        (file) => accountPath + file,
      ),
    ],
  },
  {
    name: 'dfs-upload',
    gateway: 'create, append, flush, to both stores',
    proxy: 'create, append, flush, to one store',
    requests: (run) => [
      toNewFile(
        run,
        { method: 'PUT', headers: gen2Headers },
        (file) => `${accountPath}${file}?resource=file`,
      ),
      toSameFile(
        { method: 'PATCH', headers: gen2Headers, body },
        (file) => `${accountPath}${file}?action=append&position=0`,
      ),
      toSameFile(
        { method: 'PATCH', headers: gen2Headers },
        (file) => `${accountPath}${file}?action=flush&position=${fileBytes}`,
      ),
    ],
  },
];
