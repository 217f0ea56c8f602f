// The account: one service client of the SDK, cached clients of filesystems and files, and signed requests of our own.
import type { Readable } from 'node:stream';
import type { AccessToken, TokenCredential } from '@azure/identity';
import { BlobServiceClient, type BlockBlobClient } from '@azure/storage-blob';
import {
  AnonymousCredential,
  type DataLakeFileClient,
  type DataLakeFileSystemClient,
  DataLakeServiceClient,
  StorageSharedKeyCredential,
} from '@azure/storage-file-datalake';
import { LRUCache } from 'lru-cache';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { signSharedKey } from '../../wire/dfs/shared-key.ts';
import { fromAnswer } from './failures.ts';
import { type Place, urlPath } from './place.ts';
import { type Answer, createTransport, isMutating, type Outgoing, readText, splitUrl } from './transport.ts';

/** How the gateway proves who it is. */
export type Gen2Credential =
  | { kind: 'shared-key'; account: string; key: string }
  /** `onBehalf`: the Authorization header of who is asked for now; undefined: the credential’s own. */
  | { kind: 'token'; credential: TokenCredential; onBehalf?: () => string | undefined }
  | { kind: 'sas'; sas: string };

/** Clients that are kept: making one costs 35 to 65 µs. */
export const maxCachedClients = 4096;
/** What the SDK sends too. */
export const apiVersion = '2026-06-06';
const scope = 'https://storage.azure.com/.default';
/** A token is renewed when it has less than this left, milliseconds. */
const tokenMarginMs = 300_000;

/** A request that the SDK has no words for. */
export interface OwnRequest {
  method: string;
  place: Place;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: { bytes: Buffer | Readable; length: number };
}

/** An account as the verbs use it. */
export interface Account {
  service: DataLakeServiceClient;
  filesystem(name: string): DataLakeFileSystemClient;
  file(place: Place): DataLakeFileClient;
  /** The same path on the Blob API, for blocks. */
  blob(place: Place): BlockBlobClient;
  /** @returns the headers of the answer @throws StoreError for refusals too */
  ask(request: OwnRequest, ctx: Ctx): Promise<Answer['headers']>;
  /** A read: the SDK's own costs three times as much. @returns 200 or 206 with its body @throws StoreError for refusals too */
  open(request: OwnRequest, ctx: Ctx): Promise<Answer>;
  /** Signs and sends to a raw path and query below the account; whatever comes back is returned. @throws StoreError of the connection */
  forward(
    request: {
      method: string;
      rawPath: string;
      search: string;
      headers: Record<string, string>;
      body?: Readable | Buffer;
      api: 'dfs' | 'blob';
    },
    signal: AbortSignal,
  ): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * @param url DFS endpoint of the account, path style with the account in the path
 * @throws StoreError `invalid` for a token over plain http to another machine
 */
export function openAccount(url: string, credential: Gen2Credential): Account {
  const base = url.replace(/\/+$/, '');
  const bearer = credential.kind === 'token' ? bearerOf(credential) : undefined;
  // The SDK never sends a token over http; emulators on this machine are no risk.
  if (bearer && base.startsWith('http:') && !/^http:\/\/(localhost|127\.[\d.]+|\[::1\])([:/]|$)/i.test(base))
    throw StoreError.invalid(`a token is not sent over http to ${base}`);
  // Not by the SDK: what it throws when there is no token cannot be told from an answer that got lost.
  const transport = createTransport(bearer);
  const sas = credential.kind === 'sas' ? credential.sas.replace(/^\?/, '') : '';
  const sdkCredential =
    credential.kind === 'shared-key'
      ? new StorageSharedKeyCredential(credential.account, credential.key)
      : new AnonymousCredential();
  // Retrying is for those who know what may be sent twice.
  const options = { retryOptions: { maxTries: 1 }, httpClient: transport.httpClient };
  const withSas = (endpoint: string): string => (sas === '' ? endpoint : `${endpoint}?${sas}`);
  const service = new DataLakeServiceClient(withSas(base), sdkCredential, options);
  const blobs = new BlobServiceClient(withSas(blobEndpoint(base)), sdkCredential, options);
  const filesystems = new LRUCache<string, DataLakeFileSystemClient>({ max: maxCachedClients });
  const files = new LRUCache<string, DataLakeFileClient>({ max: maxCachedClients });
  const filesystem = (name: string): DataLakeFileSystemClient => {
    const client = filesystems.get(name) ?? service.getFileSystemClient(name);
    filesystems.set(name, client);
    return client;
  };

  const forward: Account['forward'] = async ({ method, rawPath, search, headers, body, api }, signal) => {
    const host = api === 'blob' ? blobEndpoint(base) : base;
    const query = [search, sas].filter((part) => part !== '').join('&');
    const url = `${host}${rawPath}`;
    const signed: Record<string, string> = {
      ...headers,
      'x-ms-version': headers['x-ms-version'] ?? apiVersion,
      'x-ms-date': new Date().toUTCString(),
    };
    if (credential.kind === 'shared-key') {
      const { account, key } = credential;
      const request = { method, rawPath: splitUrl(url).path, search: query, headers: signed };
      signed.authorization = signSharedKey(account, key, request);
    } else if (bearer) signed.authorization = await bearer();
    const outgoing: Outgoing = {
      method,
      url: query === '' ? url : `${url}?${query}`,
      headers: signed,
      signal,
      ...(body ? { body } : {}),
    };
    return transport.send(outgoing);
  };

  return {
    service,
    filesystem,
    file(place) {
      const key = urlPath(place);
      const client = files.get(key) ?? filesystem(place.filesystem).getFileClient(place.path);
      files.set(key, client);
      return client;
    },
    blob: ({ filesystem: name, path }) => blobs.getContainerClient(name).getBlockBlobClient(path),
    async ask({ method, place, query = {}, headers = {}, body }, { signal, requestId }) {
      const search = Object.entries(query)
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
        .join('&');
      const sent: Record<string, string> = { ...headers, 'x-ms-client-request-id': requestId };
      if (isMutating(method)) sent['content-length'] = String(body?.length ?? 0);
      const answer = await forward(
        {
          method,
          rawPath: urlPath(place),
          search,
          headers: sent,
          api: 'dfs',
          ...(body ? { body: body.bytes } : {}),
        },
        signal,
      );
      const text = await readText(answer, { method, url: '', headers: {}, signal });
      if (answer.status >= 300) throw fromAnswer(answer.status, answer.headers, text, isMutating(method));
      return answer.headers;
    },
    async open({ method, place, headers = {} }, { signal, requestId }) {
      const sent = { ...headers, 'x-ms-client-request-id': requestId };
      // Reads are the Blob API's, as with Microsoft's own clients.
      const answer = await forward(
        { method, rawPath: urlPath(place), search: '', headers: sent, api: 'blob' },
        signal,
      );
      if (answer.status === 200 || answer.status === 206) return answer;
      const text = await readText(answer, { method, url: '', headers: {}, signal });
      throw fromAnswer(answer.status, answer.headers, text, false);
    },
    forward,
    close: () => transport.close(),
  };
}

/** The Blob API of the same account; path-style endpoints serve both on one host. */
function blobEndpoint(dfsUrl: string): string {
  return dfsUrl.replace('.dfs.', '.blob.');
}

/** The Authorization header, renewed before the token ends. */
function bearerOf({
  credential,
  onBehalf,
}: Extract<Gen2Credential, { kind: 'token' }>): () => Promise<string> {
  let current: Promise<AccessToken | null> | undefined;
  let endsMs = 0;
  return async () => {
    const callers = onBehalf?.();
    if (callers !== undefined) return callers;
    if (!current || Date.now() > endsMs - tokenMarginMs) {
      endsMs = Number.POSITIVE_INFINITY;
      current = credential.getToken(scope);
    }
    const asked = current;
    try {
      const token = await asked;
      if (!token) throw new StoreError('unauthenticated', 'the identity gives no token for Azure Storage');
      endsMs = token.expiresOnTimestamp;
      return `Bearer ${token.token}`;
    } catch (error) {
      if (current === asked) current = undefined;
      if (error instanceof StoreError) throw error;
      const message = `no token for Azure Storage: ${error instanceof Error ? error.message : String(error)}`;
      throw new StoreError('unauthenticated', message, { temporary: true, cause: error });
    }
  };
}
