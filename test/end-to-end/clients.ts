// The clients that applications have, each as they come: Azure's SDK, and WebHDFS in two steps. Retries are off: a test wants to see
// every failure.
import { buffer } from 'node:stream/consumers';
import {
  type DataLakeFileSystemClient,
  DataLakeServiceClient,
  StorageSharedKeyCredential,
} from '@azure/storage-file-datalake';
import { devstoreKey } from '../../src/config/secret.ts';

/** The account of the Gen2 emulator. */
export const account = 'devstoreaccount1';

/** The SDK's client of a filesystem. @param url a server without the account */
export function lakeFilesystem(url: string, key = devstoreKey, name = 'lake'): DataLakeFileSystemClient {
  const credential = new StorageSharedKeyCredential(account, key);
  const service = new DataLakeServiceClient(`${url}/${account}`, credential, {
    retryOptions: { maxTries: 1 },
  });
  return service.getFileSystemClient(name);
}

/** Bytes of a file and the side that gave them (through the gateway). */
export interface ReadBytes {
  bytes: Buffer;
  servedBy: string | null | undefined;
}

/** Reads a file with the SDK; undefined if it is not there. @param path without leading slash */
export async function sdkRead(lake: DataLakeFileSystemClient, path: string): Promise<ReadBytes | undefined> {
  try {
    const answer = await lake.getFileClient(path).read();
    const bytes = await buffer(answer.readableStreamBody!);
    return { bytes, servedBy: answer._response.headers.get('x-twinlake-served-by') };
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

/** An answer that was not what the caller wanted. */
export class HttpError extends Error {
  readonly status: number;
  constructor(what: string, status: number, body: string) {
    super(`${what}: ${status} ${body.slice(0, 300)}`);
    this.status = status;
  }
}

/** An answer of WebHDFS, read to its end. */
export interface WebhdfsAnswer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  json: any;
}

type Params = Record<string, string | number | boolean>;

/** WebHDFS with fetch. */
export interface WebhdfsClient {
  /** One request, redirects not followed. Rejects with `HttpError` unless the answer is 2xx or 307. */
  call(method: string, path: string, op: string, params?: Params): Promise<WebhdfsAnswer>;
  /** CREATE or APPEND: asks where, then sends the bytes there. */
  send(
    method: 'PUT' | 'POST',
    path: string,
    op: string,
    data: Buffer,
    params?: Params,
  ): Promise<WebhdfsAnswer>;
  /** Replaces a whole file. */
  write(path: string, data: Buffer | string): Promise<WebhdfsAnswer>;
  append(path: string, data: Buffer | string): Promise<WebhdfsAnswer>;
  /** Undefined if it is not there. */
  read(path: string): Promise<ReadBytes | undefined>;
}

/** @param url a server, without `/webhdfs/v1` */
export function webhdfsClient(url: string, user = 'ann'): WebhdfsClient {
  const address = (path: string, op: string, params: Params): string => {
    const search = new URLSearchParams({ op, 'user.name': user });
    for (const [name, value] of Object.entries(params)) search.set(name, String(value));
    return `${url}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}?${search}`;
  };
  const ask = async (method: string, where: string, body?: Buffer): Promise<WebhdfsAnswer> => {
    const response = await fetch(where, {
      method,
      redirect: 'manual',
      ...(body ? { body: body as never, headers: { 'content-type': 'application/octet-stream' } } : {}),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status >= 400 || response.status < 200)
      throw new HttpError(`${method} ${where}`, response.status, bytes.toString());
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    const json = isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined;
    return { status: response.status, headers: response.headers, bytes, json };
  };
  const client: WebhdfsClient = {
    call: (method, path, op, params = {}) => ask(method, address(path, op, params)),
    async send(method, path, op, data, params = {}) {
      const first = await ask(method, address(path, op, params));
      if (first.status !== 307) throw new HttpError(`${op} ${path} was not redirected`, first.status, '');
      return ask(method, first.headers.get('location')!, data);
    },
    write: (path, data) => client.send('PUT', path, 'CREATE', Buffer.from(data), { overwrite: true }),
    append: (path, data) => client.send('POST', path, 'APPEND', Buffer.from(data)),
    async read(path) {
      try {
        const first = await client.call('GET', path, 'OPEN');
        const location = first.status === 307 ? first.headers.get('location') : null;
        const { bytes, headers } = location === null ? first : await ask('GET', location);
        return { bytes, servedBy: headers.get('x-twinlake-served-by') };
      } catch (error) {
        if (error instanceof HttpError && error.status === 404) return undefined;
        throw error;
      }
    },
  };
  return client;
}
