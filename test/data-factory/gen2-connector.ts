// The Gen2 connector: what Microsoft's .NET SDK for Data Lake puts on the wire, writes to the DFS API, looks and reads to the Blob API.
import { randomUUID } from 'node:crypto';
import { devstoreKey } from '../../src/config/secret.ts';
import { signSharedKey } from '../../src/wire/dfs/shared-key.ts';
import { account } from '../end-to-end/clients.ts';
import { type Answer, type Connector, pageEntries, rangeBytes, sendExpecting } from './connector.ts';

type Headers = Record<string, string>;

/** Two more things that the connector does. */
export interface Gen2Connector extends Connector {
  /** The connection test: makes the filesystem if it is missing. */
  open(): Promise<void>;
  /** Metadata, and the permissions that are kept by a copy. */
  describe(path: string, properties: Headers): Promise<Headers>;
}

/** Talks to an account, or to what stands in for one: host names as they are in Azure, the address of the server under test. */
export function gen2Connector(url: string): Gen2Connector {
  const send = (
    api: 'dfs' | 'blob',
    method: string,
    rawPath: string,
    search: string,
    own: Headers,
    expected: readonly number[],
    body = '',
  ): Promise<Answer> => {
    const headers: Headers = {
      host: `${account}.${api}.core.windows.net`,
      'x-ms-version': '2024-11-04',
      'x-ms-client-request-id': randomUUID(),
      'x-ms-return-client-request-id': 'true',
      'x-ms-date': new Date().toUTCString(),
      accept: api === 'dfs' ? 'application/json' : 'application/xml',
      'user-agent': 'azsdk-net-Storage.Files.DataLake/12.20.0 (.NET Framework 4.8; Microsoft Windows 10)',
      ...(method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(body.length) }),
      ...own,
    };
    headers.authorization = signSharedKey(account, devstoreKey, { method, rawPath, search, headers });
    const line = `${method} ${rawPath}${search === '' ? '' : `?${search}`}`;
    return sendExpecting(url, { line, headers, ...(body === '' ? {} : { body }) }, expected);
  };
  const urlOf = (path: string): string => `/${path.split('/').map(encodeURIComponent).join('/')}`;
  const head = (path: string) => send('blob', 'HEAD', urlOf(path), '', {}, [200, 404]);
  const patch = (path: string, query: string, headers: Headers, expected: number, body = '') =>
    send('dfs', 'PATCH', urlOf(path), query, headers, [expected], body);
  return {
    async open() {
      const there = await send('blob', 'GET', '/lake', 'restype=container', {}, [200, 404]);
      if (there.status === 404) await send('blob', 'PUT', '/lake', 'restype=container', {}, [201]);
    },
    async write(path, blocks) {
      const folder = path.slice(0, path.lastIndexOf('/'));
      await send('dfs', 'PUT', urlOf(folder), 'resource=directory', { 'if-none-match': '*' }, [201, 409]);
      await head(path);
      const made = await send('dfs', 'PUT', urlOf(path), 'resource=file', {}, [201]);
      const positions = blocks.map((_, i) => blocks.slice(0, i).join('').length);
      // Five at once and the last one first: they arrive in any order.
      const appends = blocks.map(
        (block, i) => () => patch(path, `action=append&position=${positions[i]}`, {}, 202, block),
      );
      await Promise.all(appends.reverse().map((append) => append()));
      const length = blocks.join('').length;
      const close = { 'if-match': made.headers.etag!, 'x-ms-content-type': 'text/plain' };
      await patch(path, `action=flush&position=${length}&retainUncommittedData=false&close=true`, close, 200);
      const seen = await head(path);
      if (seen.headers['content-length'] !== String(length))
        throw new Error(`${path} has ${seen.headers['content-length']} bytes, not ${length}`);
    },
    async describe(path, properties) {
      const meta = Object.entries(properties).map(([name, value]) => [`x-ms-meta-${name}`, value]);
      await send('blob', 'PUT', urlOf(path), 'comp=metadata', Object.fromEntries(meta), [200]);
      const rights = await send('dfs', 'HEAD', urlOf(path), 'action=getAccessControl', {}, [200]);
      const acl = { 'x-ms-acl': rights.headers['x-ms-acl']! };
      await patch(path, 'action=setAccessControl', acl, 200);
      const { headers } = await head(path);
      return Object.fromEntries(
        meta.map(([name]) => [name!.slice('x-ms-meta-'.length), headers[name!] ?? '']),
      );
    },
    async read(path) {
      const { headers } = await head(path);
      const length = Number(headers['content-length']);
      let content = '';
      while (content.length < length) {
        const range = `bytes=${content.length}-${content.length + rangeBytes - 1}`;
        const own = { 'x-ms-range': range, 'if-match': headers.etag! };
        const answer = await send('blob', 'GET', urlOf(path), '', own, [206]);
        content += answer.body;
      }
      return content;
    },
    async list(folder) {
      const [filesystem, ...directory] = folder.split('/');
      const names: string[] = [];
      const base = `resource=filesystem&recursive=true&directory=${encodeURIComponent(directory.join('/'))}`;
      for (let token: string | undefined = ''; token !== undefined; ) {
        const from = token === '' ? '' : `&continuation=${encodeURIComponent(token)}`;
        const query = `${base}&maxResults=${pageEntries}&upn=false${from}`;
        const answer: Answer = await send('dfs', 'GET', `/${filesystem}`, query, {}, [200]);
        for (const { name, isDirectory } of JSON.parse(answer.body).paths)
          if (isDirectory !== 'true') names.push(name.slice(directory.join('/').length + 1));
        token = answer.headers['x-ms-continuation'];
      }
      return names;
    },
    exists: async (path) => (await head(path)).status === 200,
    async move(from, to) {
      const source = { 'x-ms-rename-source': encodeURIComponent(`/${from}`) };
      await send('dfs', 'PUT', urlOf(to), 'mode=legacy', source, [201]);
    },
    async remove(path) {
      await send('dfs', 'DELETE', urlOf(path), 'recursive=true', {}, [200]);
    },
  };
}
