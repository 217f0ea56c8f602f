// A client of the WebHDFS face, in two steps as Hadoop does it, or as Gen1's clients do: one step, appends with an offset.
import { fromRemoteException } from '../../src/wire/webhdfs/errors.ts';
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
import { type Answer, askOnce } from './http-once.ts';
import { bytesOfToken, seenOfBytes } from './token-bytes.ts';

type Params = Record<string, string | number | boolean>;
type Of<D extends Doing> = Extract<Action, { do: D }>;

// biome-ignore lint/suspicious/noExplicitAny: answers have many shapes
const jsonOf = ({ bytes }: Answer): any => JSON.parse(bytes.toString());

function kindOf(answer: Answer): string {
  let body: unknown;
  try {
    body = jsonOf(answer);
  } catch {
    body = undefined;
  }
  return fromRemoteException(answer.status, body).kind;
}

interface FileStatus {
  pathSuffix: string;
  type: 'FILE' | 'DIRECTORY';
  length: number;
  permission: string;
}

function seenOf({ type, length, permission }: FileStatus): Seen {
  const bits = Number.parseInt(permission, 8);
  return type === 'FILE'
    ? { type: 'file', lengthBytes: length, permission: bits }
    : { type: 'directory', permission: bits };
}

const absent: Result = { is: 'done', seen: { type: 'absent' } };
/** A query whose refusal is itself a sight of what stands there. */
function sight(performed: Performed): Performed {
  if (performed === 'not-sent' || performed.is !== 'refused') return performed;
  if (performed.kind === 'not-found' || performed.kind === 'not-directory') return absent;
  return performed.kind === 'is-directory' ? { is: 'done', seen: { type: 'directory' } } : performed;
}

/** `{"boolean":false}` says no more than that it was not done. */
const booleanOf =
  (kind: string) =>
  (answer: Answer): Result =>
    jsonOf(answer).boolean ? { is: 'done' } : { is: 'refused', kind };

function renameParams(
  { replace }: Of<'rename'>,
  dialect: 'webhdfs' | 'gen1',
  intoDirectory: boolean,
): Params {
  if (replace !== 'none') return { renameoptions: 'OVERWRITE' };
  return dialect === 'webhdfs' && !intoDirectory ? { renameoptions: 'NONE' } : {};
}

/** @param dialect who it pretends to be */
export function createWebhdfsActor(options: ActorOptions, dialect: 'webhdfs' | 'gen1'): Actor {
  const extra: Params = dialect === 'gen1' ? { 'api-version': '2018-09-01' } : { 'user.name': 'ann' };
  const urlOf = (path: string, op: string, params: Params): string => {
    const search = new URLSearchParams({ op });
    for (const [name, value] of Object.entries({ ...extra, ...params })) search.set(name, String(value));
    return `${options.url}/webhdfs/v1${path}?${search}`;
  };
  const call = (ask: Ask, method: string, path: string, op: string, params: Params = {}) =>
    ask({ method, url: urlOf(path, op, params) });
  /** The bytes go to the Location of the first answer; a Gen1 client sends them at once. */
  const send = async (
    ask: Ask,
    method: string,
    path: string,
    op: string,
    params: Params,
    body: Buffer,
  ): Promise<Performed> => {
    const write: Params = dialect === 'gen1' ? { write: true } : {};
    let url = urlOf(path, op, { ...params, ...write });
    if (dialect === 'webhdfs') {
      const first = await ask({ method, url });
      // The first step changes nothing, whatever became of it.
      if (first === 'not-sent' || first === 'lost' || first.status >= 500) return 'not-sent';
      if (first.status !== 307) return resultOf(first, kindOf, justDone);
      url = first.headers.location!;
    }
    return resultOf(await ask({ method, url, body }), kindOf, justDone);
  };
  const read = async (ask: Ask, path: string): Promise<Performed> => {
    let sent = await call(ask, 'GET', path, 'OPEN', dialect === 'gen1' ? { read: true } : {});
    if (typeof sent === 'object' && sent.status === 307)
      sent = await ask({ method: 'GET', url: sent.headers.location! });
    return sight(resultOf(sent, kindOf, ({ bytes }) => ({ is: 'done', seen: seenOfBytes(bytes) })));
  };
  const list = async (ask: Ask, path: string): Promise<Performed> => {
    const sent = await call(ask, 'GET', path, 'LISTSTATUS');
    return sight(
      resultOf(sent, kindOf, (answer) => {
        const statuses: FileStatus[] = jsonOf(answer).FileStatuses.FileStatus;
        // A file is listed as itself, without a name.
        if (statuses.length === 1 && statuses[0]!.pathSuffix === '')
          return { is: 'done', seen: seenOf(statuses[0]!) };
        return {
          is: 'done',
          names: Object.fromEntries(statuses.map((each) => [each.pathSuffix, seenOf(each)])),
        };
      }),
    );
  };
  const perform = async (folder: string, action: Action): Promise<Performed> => {
    const ask = askerOf(options, folder, action);
    const path = pathIn(folder, action.path);
    switch (action.do) {
      case 'read':
        return read(ask, path);
      case 'list':
        return list(ask, path);
      case 'stat': {
        const sent = await call(ask, 'GET', path, 'GETFILESTATUS');
        return sight(
          resultOf(sent, kindOf, (answer) => ({ is: 'done', seen: seenOf(jsonOf(answer).FileStatus) })),
        );
      }
      case 'mkdir':
        return resultOf(await call(ask, 'PUT', path, 'MKDIRS'), kindOf, booleanOf('false'));
      case 'create': {
        const bytes = action.token ? bytesOfToken(action.token) : Buffer.alloc(0);
        return send(ask, 'PUT', path, 'CREATE', { overwrite: action.overwrite }, bytes);
      }
      case 'append': {
        const at: Params = action.position === undefined ? {} : { offset: action.position, append: true };
        return send(ask, 'POST', path, 'APPEND', at, bytesOfToken(action.token));
      }
      case 'rename': {
        const params = {
          destination: pathIn(folder, action.destination),
          ...renameParams(action, dialect, action.intoDirectory),
        };
        return resultOf(await call(ask, 'PUT', path, 'RENAME', params), kindOf, booleanOf('false'));
      }
      case 'delete': {
        const sent = await call(ask, 'DELETE', path, 'DELETE', { recursive: action.recursive });
        return resultOf(sent, kindOf, booleanOf('not-found'));
      }
      case 'concat': {
        const sources = action.sources.map((source) => pathIn(folder, source)).join(',');
        return resultOf(await call(ask, 'POST', path, 'CONCAT', { sources }), kindOf, justDone);
      }
      case 'set-permission': {
        const params = { permission: action.permission.toString(8) };
        return resultOf(await call(ask, 'PUT', path, 'SETPERMISSION', params), kindOf, justDone);
      }
      default:
        throw new Error(`${dialect} cannot ${action.do}`);
    }
  };
  const common: Doing[] = [
    'read',
    'stat',
    'list',
    'mkdir',
    'create',
    'append',
    'rename',
    'delete',
    'set-permission',
  ];
  return {
    face: dialect,
    can: new Set<Doing>(dialect === 'gen1' ? common : [...common, 'concat']),
    perform,
    async grant(path, aclspec) {
      await askOnce({ method: 'PUT', url: urlOf(path, 'MODIFYACLENTRIES', { aclspec }) }, () => undefined);
    },
  };
}
