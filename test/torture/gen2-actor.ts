// A client of the DFS API (create, append, flush; renames), or of the Blob API (Put Blob, Put Block and Put Block List).
import { fromDfsError } from '../../src/wire/dfs/errors.ts';
import {
  type Actor,
  type ActorOptions,
  type Ask,
  askerOf,
  type Doing,
  justDone,
  type Performed,
  pathIn,
  resultOf,
} from './actor.ts';
import type { Action, Result, Seen } from './history.ts';
import type { Answer, Sent } from './http-once.ts';
import { bytesOfToken, seenOfBytes } from './token-bytes.ts';

function kindOf({ status, headers }: Answer): string {
  const error = fromDfsError(status, headers['x-ms-error-code'], '');
  // 409 to an upload in the wrong place has no kind of its own.
  return error.kind;
}

/** `rwxr-x--T+` as bits. */
function bitsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bits = [...text.slice(0, 9)].reduce(
    (sum, letter, i) => (letter === '-' || letter === 'T' ? sum : sum | (256 >> i)),
    0,
  );
  return /[tT]/.test(text[8] ?? '') ? bits | 0o1000 : bits;
}

function seenOfEntry(type: string | undefined, lengthBytes: number, permissions: string | undefined): Seen {
  const permission = bitsOf(permissions);
  const rights = permission === undefined ? {} : { permission };
  return type === 'directory' ? { type: 'directory', ...rights } : { type: 'file', lengthBytes, ...rights };
}

function seenOfHead({ headers }: Answer): Seen {
  return seenOfEntry(
    headers['x-ms-resource-type'],
    Number(headers['content-length']),
    headers['x-ms-permissions'],
  );
}

const absent: Result = { is: 'done', seen: { type: 'absent' } };
function sight(performed: Performed): Performed {
  if (performed === 'not-sent' || performed.is !== 'refused') return performed;
  return performed.kind === 'not-found' || performed.kind === 'not-directory' ? absent : performed;
}

interface ListedPath {
  name: string;
  isDirectory?: string;
  contentLength: string;
  permissions: string;
}

const rooted = '/devstoreaccount1';
const blockBytes = 40_000;

/** Cuts a file into blocks, commits them. */
async function putBlocks(ask: Ask, url: string, bytes: Buffer): Promise<Sent> {
  const ids: string[] = [];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const id = Buffer.from(
      `block-${String(ids.length).padStart(5, '0')}-of-${bytes.readUInt32BE(4)}`,
    ).toString('base64');
    const body = bytes.subarray(at, at + blockBytes);
    const sent = await ask({
      method: 'PUT',
      url: `${url}?comp=block&blockid=${encodeURIComponent(id)}`,
      body,
    });
    // Nobody sees a block that is not committed.
    if (typeof sent === 'string' || sent.status >= 500) return 'not-sent';
    if (sent.status >= 400) return sent;
    ids.push(id);
  }
  const list = `<?xml version="1.0"?><BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join('')}</BlockList>`;
  return ask({ method: 'PUT', url: `${url}?comp=blocklist`, body: Buffer.from(list) });
}

/** @param api which of the two */
export function createGen2Actor(options: ActorOptions, api: 'dfs' | 'blob'): Actor {
  const urlOf = (path: string, params: Record<string, string | number | boolean> = {}): string => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) search.set(name, String(value));
    return `${options.url}${rooted}${path}?${search}`;
  };
  const accept = { accept: 'application/json' };
  const queries = async (ask: Ask, path: string, action: Action): Promise<Performed | undefined> => {
    if (action.do === 'stat')
      return sight(
        resultOf(await ask({ method: 'HEAD', url: urlOf(path), headers: accept }), kindOf, (answer) => ({
          is: 'done',
          seen: seenOfHead(answer),
        })),
      );
    if (action.do === 'read') {
      const sent = await ask({ method: 'GET', url: urlOf(path), headers: accept });
      return sight(
        resultOf(sent, kindOf, ({ headers, bytes }) => {
          const isFolder = headers['x-ms-resource-type'] === 'directory';
          return { is: 'done', seen: isFolder ? { type: 'directory' } : seenOfBytes(bytes) };
        }),
      );
    }
    if (action.do !== 'list') return undefined;
    return list(ask, path, action.recursive);
  };
  /** All pages; one that fails is the answer. */
  const list = async (ask: Ask, path: string, recursive: boolean): Promise<Performed> => {
    const [, filesystem, ...below] = path.split('/');
    const names: Record<string, Seen> = {};
    let continuation = '';
    do {
      const more: Record<string, string> = continuation === '' ? {} : { continuation };
      const params = { resource: 'filesystem', directory: below.join('/'), recursive, ...more };
      const sent = await ask({ method: 'GET', url: urlOf(`/${filesystem}`, params), headers: accept });
      const page = sight(resultOf(sent, kindOf, justDone));
      if (typeof sent === 'string' || page === 'not-sent' || page.is !== 'done' || page.seen) return page;
      const { paths }: { paths: ListedPath[] } = JSON.parse(sent.bytes.toString());
      for (const { name, isDirectory, contentLength, permissions } of paths) {
        const type = isDirectory === 'true' ? 'directory' : 'file';
        const seen = seenOfEntry(type, Number(contentLength), permissions);
        // A file is listed as itself.
        if (name === below.join('/')) return { is: 'done', seen };
        names[name.slice(below.join('/').length + 1)] = seen;
      }
      continuation = sent.headers['x-ms-continuation'] ?? '';
    } while (continuation !== '');
    return { is: 'done', names };
  };
  const perform = async (folder: string, action: Action): Promise<Performed> => {
    const ask = askerOf(options, folder, action);
    const path = pathIn(folder, action.path);
    const seen = await queries(ask, path, action);
    if (seen) return seen;
    const done = async (sending: Promise<Sent>): Promise<Performed> =>
      resultOf(await sending, kindOf, justDone);
    switch (action.do) {
      case 'mkdir':
        return done(ask({ method: 'PUT', url: urlOf(path, { resource: 'directory' }) }));
      case 'create': {
        const condition: Record<string, string> = action.overwrite ? {} : { 'if-none-match': '*' };
        if (api === 'dfs')
          return done(ask({ method: 'PUT', url: urlOf(path, { resource: 'file' }), headers: condition }));
        const bytes = action.token ? bytesOfToken(action.token) : Buffer.alloc(0);
        if (bytes.length > blockBytes && action.overwrite)
          return done(putBlocks(ask, `${options.url}${rooted}${path}`, bytes));
        const headers = { ...condition, 'x-ms-blob-type': 'BlockBlob' };
        return done(ask({ method: 'PUT', url: urlOf(path), headers, body: bytes }));
      }
      case 'stage':
        return done(
          ask({
            method: 'PATCH',
            url: urlOf(path, { action: 'append', position: action.position }),
            body: bytesOfToken(action.token),
          }),
        );
      case 'flush':
        return done(
          ask({ method: 'PATCH', url: urlOf(path, { action: 'flush', position: action.position }) }),
        );
      case 'rename': {
        const headers: Record<string, string> = { 'x-ms-rename-source': `${rooted}${path}` };
        if (action.replace === 'none') headers['if-none-match'] = '*';
        return done(ask({ method: 'PUT', url: urlOf(pathIn(folder, action.destination)), headers }));
      }
      case 'delete':
        return done(ask({ method: 'DELETE', url: urlOf(path, { recursive: action.recursive }) }));
      case 'set-permission': {
        const headers = { 'x-ms-permissions': action.permission.toString(8).padStart(4, '0') };
        return done(ask({ method: 'PATCH', url: urlOf(path, { action: 'setAccessControl' }), headers }));
      }
      default:
        throw new Error(`${api} cannot ${action.do}`);
    }
  };
  const common: Doing[] = ['read', 'stat', 'list', 'create'];
  const own: Doing[] = api === 'dfs' ? ['mkdir', 'stage', 'flush', 'rename', 'delete', 'set-permission'] : [];
  return { face: api, can: new Set([...common, ...own]), perform };
}
