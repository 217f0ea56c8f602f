// The Gen1 connector: what Microsoft's .NET SDK for Gen1 puts on the wire (Gen1 reference §6), every slash escaped.
import { randomUUID } from 'node:crypto';
import { type Answer, type Connector, pageEntries, rangeBytes, sendExpecting } from './connector.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
type Params = Record<string, string | number>;

interface FileStatus {
  pathSuffix: string;
  type: string;
  length: number;
}

/** Two more things that the SDK does. */
export interface Gen1Connector extends Connector {
  /** A large file in parts of its own, joined and renamed over the path. */
  writeInParts(path: string, parts: readonly string[]): Promise<void>;
  /** Adds to the end of a file that exists. */
  append(path: string, block: string): Promise<void>;
}

/** Talks to a Gen1 account, or to what stands in for one. */
export function gen1Connector(url: string): Gen1Connector {
  const call = (method: Method, path: string, op: string, params: Params, body = '', expected = [200]) => {
    const all = { op, ...params, 'api-version': '2018-12-01' };
    const query = Object.entries(all).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const headers = {
      authorization: 'Bearer eyJ0eXAiOiJKV1QifQ.e30.c2ln',
      'user-agent': 'AdlsDotNetSDK/2.0.3-Microsoft Windows 10.0-4.8.4645.0-x64',
      'x-ms-client-request-id': `${randomUUID()}.0`,
      'x-ms-adl-client-latency': '1.0,,,12.5,GETFILESTATUS,0,0',
      ...(method === 'GET' ? {} : { 'content-length': String(body.length) }),
    };
    const line = `${method} /webhdfs/v1${encodeURIComponent(`/${path}`)}?${query.join('&')}`;
    return sendExpecting(url, { line, headers, ...(body === '' ? {} : { body }) }, expected);
  };
  const status = async (path: string): Promise<FileStatus | undefined> => {
    const params = { tooid: 'True', getconsistentlength: 'true' };
    const answer = await call('GET', path, 'GETFILESTATUS', params, '', [200, 404]);
    return answer.status === 404 ? undefined : JSON.parse(answer.body).FileStatus;
  };
  const lengthOf = async (path: string): Promise<number> => (await status(path))?.length ?? -1;
  const isTrue = (answer: Answer): void => {
    if (answer.body !== '{"boolean":true}') throw new Error(`not done: ${answer.body}`);
  };
  const add = (path: string, session: Params, offset: number, block: string, syncFlag: string) =>
    call('POST', path, 'APPEND', { append: 'true', offset, syncFlag, ...session }, block);
  const newSession = (): Params => {
    const id = randomUUID();
    return { leaseid: id, filesessionid: id };
  };
  const addAll = async (path: string, session: Params, from: number, blocks: readonly string[]) => {
    let offset = from;
    for (const [i, block] of blocks.entries()) {
      await add(path, session, offset, block, i === blocks.length - 1 ? 'CLOSE' : 'DATA');
      offset += block.length;
    }
    const length = await lengthOf(path);
    if (length !== offset) throw new Error(`${path} has ${length} bytes, not ${offset}`);
  };
  const write = async (path: string, blocks: readonly string[]): Promise<void> => {
    const session = newSession();
    const params = { overwrite: 'True', write: 'true', CreateParent: 'True', syncFlag: 'DATA', ...session };
    await call('PUT', path, 'CREATE', params, '', [201]);
    await addAll(path, session, 0, blocks);
  };
  const rename = async (from: string, to: string): Promise<void> =>
    isTrue(await call('PUT', from, 'RENAME', { destination: `/${to}`, renameoptions: 'OVERWRITE' }));
  return {
    write,
    async writeInParts(path, parts) {
      const folder = `${path}${randomUUID()}Segments`;
      const names = parts.map((_, i) => `${folder}/${i}`);
      await Promise.all(parts.map((part, i) => write(names[i]!, [part])));
      const joined = `${folder}Concat`;
      const sources = JSON.stringify({ sources: names.map((name) => `/${name}`) });
      await call('POST', joined, 'MSCONCAT', { deleteSourceDirectory: 'true' }, sources);
      await rename(joined, path);
      if (await status(folder)) throw new Error(`${folder} is still there`);
    },
    async append(path, block) {
      const session = newSession();
      // No bytes at offset 0, whatever the length: it takes the lease.
      await add(path, session, 0, '', 'DATA');
      await addAll(path, session, await lengthOf(path), [block]);
    },
    async read(path) {
      const length = await lengthOf(path);
      let content = '';
      while (content.length < length) {
        const range = { offset: content.length, length: Math.min(rangeBytes, length - content.length) };
        const answer = await call('GET', path, 'OPEN', {
          read: 'true',
          ...range,
          filesessionid: randomUUID(),
        });
        if (answer.body.length !== range.length) throw new Error(`${path}: a short read`);
        content += answer.body;
      }
      return content;
    },
    async list(folder) {
      const names: string[] = [];
      const walk = async (below: string): Promise<void> => {
        for (let listAfter: string | undefined; ; ) {
          const after: Params = listAfter === undefined ? {} : { listAfter };
          const params = { listSize: pageEntries, tooid: 'True', ...after };
          const { body } = await call('GET', `${folder}${below}`, 'LISTSTATUS', params);
          const { FileStatus, continuationToken } = JSON.parse(body).FileStatuses;
          for (const { pathSuffix, type } of FileStatus as FileStatus[]) {
            if (type === 'FILE') names.push(`${below}/${pathSuffix}`.slice(1));
            else await walk(`${below}/${pathSuffix}`);
          }
          if (continuationToken === '') return;
          listAfter = continuationToken;
        }
      };
      await walk('');
      return names;
    },
    exists: async (path) => (await status(path)) !== undefined,
    move: rename,
    remove: async (path) => isTrue(await call('DELETE', path, 'DELETE', { recursive: 'True' })),
  };
}
