// Uploads as clients of each face send them: one request a step, what it adds to what is acked, and what readers see then.
import { faceRequest, type ReadReply, type RequestWords, readReply } from '../face-request.ts';
import type { World } from './world.ts';

/** What a client knows of its file. */
export interface Known {
  /** All bytes that were acked. */
  acked: string;
  /** What readers are to see; undefined: nothing is there. */
  shown: string | undefined;
}

/** One request of an upload. */
export interface Step {
  name: string;
  words(path: string): RequestWords;
  /** What is known after its ack. */
  after(known: Known): Known;
}

/** A kind of client. */
export interface Client {
  face: 'dfs' | 'webhdfs';
  /** True if a request that is sent again changes nothing more. */
  repeats: boolean;
  /** False if what is acked but not committed stays behind when the file gets another name. */
  moves: boolean;
  steps: Step[];
}

const blockId = (id: string): string => Buffer.from(id).toString('base64');

function dfsAppend(position: number, body: string): Step {
  return {
    name: 'append',
    words: (path) => ({ method: 'PATCH', target: `/acct${path}?action=append&position=${position}`, body }),
    after: ({ acked, shown }) => ({ acked: acked.slice(0, position) + body, shown }),
  };
}

function dfsFlush(position: number, more = '&close=true'): Step {
  return {
    name: 'flush',
    words: (path) => ({ method: 'PATCH', target: `/acct${path}?action=flush&position=${position}${more}` }),
    after: ({ acked }) => ({ acked, shown: acked.slice(0, position) }),
  };
}

const dfsCreate: Step = {
  name: 'create',
  words: (path) => ({ method: 'PUT', target: `/acct${path}?resource=file` }),
  after: () => ({ acked: '', shown: '' }),
};

function putBlock(id: string, body: string): Step {
  return {
    name: 'block',
    words: (path) => ({ method: 'PUT', target: `/acct${path}?comp=block&blockid=${blockId(id)}`, body }),
    after: ({ acked, shown }) => ({ acked: acked + body, shown }),
  };
}

function putBlockList(ids: string[], content: string): Step {
  const list = ids.map((id) => `<Latest>${blockId(id)}</Latest>`).join('');
  const body = `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`;
  return {
    name: 'commit',
    words: (path) => ({ method: 'PUT', target: `/acct${path}?comp=blocklist`, body }),
    after: () => ({ acked: content, shown: content }),
  };
}

function webhdfs(method: string, name: string, query: string, body: string, after: Step['after']): Step {
  return {
    name,
    words: (path) => ({ method, target: `/webhdfs/v1${path}?${query}`, body }),
    after,
  };
}

const webhdfsAppend = (body: string, query = ''): Step =>
  webhdfs('POST', 'append', `op=APPEND${query}`, body, ({ acked }) => ({
    acked: acked + body,
    shown: acked + body,
  }));

const webhdfsCreate = (body: string, query = ''): Step =>
  webhdfs('PUT', 'create', `op=CREATE&overwrite=true${query}`, body, () => ({ acked: body, shown: body }));

const gen1 = (position: number, flag: string): string =>
  `&append=true&offset=${position}&syncFlag=${flag}&leaseid=l&filesessionid=l`;

export const clients: Record<string, Client> = {
  'Gen2 appends': {
    face: 'dfs',
    repeats: true,
    moves: true,
    steps: [
      dfsCreate,
      dfsAppend(0, 'abcd'),
      dfsFlush(4),
      dfsAppend(4, 'ef'),
      dfsAppend(6, 'ghi'),
      dfsFlush(9),
    ],
  },
  'Gen2 appends, the flush retains': {
    face: 'dfs',
    repeats: true,
    moves: true,
    steps: [
      dfsCreate,
      dfsAppend(0, 'abcd'),
      dfsAppend(4, 'ef'),
      dfsFlush(4, '&retainUncommittedData=true'),
      dfsAppend(6, 'ghi'),
      dfsFlush(9),
    ],
  },
  'Gen2 blocks': {
    face: 'dfs',
    repeats: true,
    moves: false,
    steps: [
      putBlock('a', 'abcd'),
      putBlock('b', 'ef'),
      putBlockList(['a', 'b'], 'abcdef'),
      putBlock('c', 'ghi'),
      putBlockList(['c'], 'ghi'),
    ],
  },
  WebHDFS: {
    face: 'webhdfs',
    repeats: false,
    moves: true,
    steps: [webhdfsCreate('ab'), webhdfsAppend('cd'), webhdfsAppend('ef'), webhdfsAppend('ghi')],
  },
  Gen1: {
    face: 'webhdfs',
    repeats: true,
    moves: true,
    steps: [
      webhdfsCreate('', '&write=true&syncFlag=DATA&leaseid=l&filesessionid=l'),
      webhdfsAppend('abcd', gen1(0, 'DATA')),
      webhdfsAppend('ef', gen1(4, 'METADATA')),
      webhdfsAppend('ghi', gen1(6, 'CLOSE')),
    ],
  },
};

/** One round trip; a redirect to the face itself is followed with the body. */
export async function send({ faces }: World, face: Client['face'], words: RequestWords): Promise<ReadReply> {
  const first = await readReply(await faces[face](faceRequest(words)));
  if (first.status !== 307) return first;
  const { pathname, search } = new URL(first.headers.location!);
  return readReply(await faces[face](faceRequest({ ...words, target: pathname + search })));
}

/** What a reader of that face sees: the content, undefined if nothing is there, or the status in brackets. */
export async function seen(world: World, face: Client['face'], path: string): Promise<string | undefined> {
  const target = face === 'dfs' ? `/acct${path}` : `/webhdfs/v1${path}?op=OPEN`;
  const { status, text } = await send(world, face, { target });
  if (status === 404) return undefined;
  return status < 300 ? text : `(${status})`;
}

/** Renames a folder or removes it with all that is in it. */
export function folderRequest(face: Client['face'], path: string, to?: string): RequestWords {
  if (face === 'dfs') {
    const target = `/acct${to ?? path}`;
    if (to === undefined) return { method: 'DELETE', target: `${target}?recursive=true` };
    return { method: 'PUT', target, headers: { 'x-ms-rename-source': `/lake${path.slice('/lake'.length)}` } };
  }
  const target = `/webhdfs/v1${path}`;
  if (to === undefined) return { method: 'DELETE', target: `${target}?op=DELETE&recursive=true` };
  return { method: 'PUT', target: `${target}?op=RENAME&destination=${to}` };
}
