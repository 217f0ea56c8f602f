// Both stores as they are, read past the gateway with their own protocols, and what differs between them.
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Test } from 'tap';
import { propertyOfXattr } from '../../src/wire/webhdfs/xattrs.ts';
import { lakeFilesystem, sdkRead, webhdfsClient } from './clients.ts';

/** A path without leading slash → what is there, as text. */
export type Tree = Map<string, string>;

/** What both stores can hold. */
interface Found {
  type: 'FILE' | 'DIRECTORY';
  permission: number;
  /** As text, `user:eve:r-x`. */
  acl: string[];
  /** Metadata of the client. */
  properties: Record<string, string>;
  /** Content headers but the default type. */
  content: Record<string, string | undefined>;
  bytes?: Buffer | undefined;
}

function sorted(entries: [string, string | undefined][]): string {
  return JSON.stringify(entries.filter(([, value]) => value !== undefined && value !== '').sort());
}

function describe({ type, permission, acl, properties, content, bytes }: Found): string {
  const isExtended = acl.some((entry) => /^(user|group):[^:]/.test(entry));
  // Hadoop lists no entries that the mode shows, and the group's own only where the mode shows the mask instead.
  const shown = isExtended ? /^(user|mask|other)::/ : /^(user|group|mask|other)::/;
  const entries = acl.filter((entry) => !shown.test(entry)).sort();
  const { contentType, ...headers } = content;
  const type_ = contentType === 'application/octet-stream' ? undefined : contentType;
  const digest = bytes && createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return [
    `${type} ${permission.toString(8)} [${entries}]`,
    sorted(Object.entries(properties)),
    sorted(Object.entries({ ...headers, contentType: type_ })),
    bytes ? `${bytes.length} ${digest}` : '',
  ].join(' ');
}

/**
 * Asks anew if a question about one path fails: on a busy machine one of thousands may come too late, and what is judged is what is
 * there. @throws the last of six failures
 */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      if (failures === 6) throw error;
      await wait(failures * 500);
    }
  }
}

/** Everything below a folder of a WebHDFS server, by the path below it. Only a store shows how content headers are kept. */
export async function webhdfsTree(url: string, root = '/lake', withContent = true): Promise<Tree> {
  const client = webhdfsClient(url);
  const tree: Tree = new Map();
  const look = (path: string, op: string, params = {}) =>
    patiently(() => client.call('GET', path, op, params));
  const walk = async (folder: string): Promise<void> => {
    const { json } = await look(folder, 'LISTSTATUS');
    for (const { pathSuffix, type, permission } of json.FileStatuses.FileStatus) {
      const path = `${folder}/${pathSuffix}`;
      if (path === '/lake/.twinlake') continue;
      const acl = await look(path, 'GETACLSTATUS');
      const xattrs = await look(path, 'GETXATTRS', { encoding: 'base64' });
      const found: Found = {
        type,
        permission: Number.parseInt(permission, 8),
        acl: acl.json.AclStatus.entries,
        properties: {},
        content: {},
        bytes: type === 'FILE' ? (await patiently(() => client.read(path)))!.bytes : undefined,
      };
      for (const { name, value } of xattrs.json.XAttrs) {
        const text = Buffer.from((value ?? '').slice(2), 'base64').toString();
        const property = propertyOfXattr(name);
        if (property !== '.content') found.properties[property] = text;
        else if (withContent) found.content = JSON.parse(text);
      }
      tree.set(path.slice(root.length + 1), describe(found));
      if (type === 'DIRECTORY') await walk(path);
    }
  };
  await walk(root);
  return tree;
}

/** Everything below a folder of filesystem `lake` of a Gen2 server, by the path below it. */
export async function gen2Tree(url: string, root = '/lake'): Promise<Tree> {
  const lake = lakeFilesystem(url);
  const below = root.slice('/lake/'.length);
  const tree: Tree = new Map();
  const listed = await patiently(() => Array.fromAsync(lake.listPaths({ recursive: true, path: below })));
  for (const { name, isDirectory } of listed) {
    const path = name!;
    if (path === '.twinlake' || path.startsWith('.twinlake/')) continue;
    const client = lake.getFileClient(path);
    const { acl, permissions } = await patiently(() => client.getAccessControl());
    const { metadata = {}, ...headers } = await patiently(() => client.getProperties());
    const { hdi_isfolder: _, twinlake_mtime: __, ...properties } = metadata;
    const { contentType, contentEncoding, contentLanguage, contentDisposition, cacheControl } = headers;
    tree.set(
      below === '' ? path : path.slice(below.length + 1),
      describe({
        type: isDirectory ? 'DIRECTORY' : 'FILE',
        permission: modeBits(permissionText(permissions)),
        acl: acl.map(({ defaultScope, accessControlType, entityId, permissions: may }) => {
          const bits = `${may.read ? 'r' : '-'}${may.write ? 'w' : '-'}${may.execute ? 'x' : '-'}`;
          return `${defaultScope ? 'default:' : ''}${accessControlType}:${entityId}:${bits}`;
        }),
        properties,
        content: isDirectory
          ? {}
          : { contentType, contentEncoding, contentLanguage, contentDisposition, cacheControl },
        bytes: isDirectory ? undefined : (await patiently(() => sdkRead(lake, path)))!.bytes,
      }),
    );
  }
  return tree;
}

const modeBits = (permissions: string): number =>
  [...permissions].reduce((bits, letter, i) => (letter === '-' ? bits : bits | (256 >> i)), 0);

function permissionText(permissions: unknown): string {
  type May = { read: boolean; write: boolean; execute: boolean };
  const { owner, group, other } = permissions as Record<'owner' | 'group' | 'other', May>;
  return [owner, group, other]
    .map((may) => `${may.read ? 'r' : '-'}${may.write ? 'w' : '-'}${may.execute ? 'x' : '-'}`)
    .join('');
}

/** A path that two trees show differently. */
export interface Difference {
  path: string;
  left: string;
  right: string;
}

/** Every path that is not the same in both. */
export function differencesOf(left: Tree, right: Tree): Difference[] {
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((path) => left.get(path) !== right.get(path))
    .map((path) => ({ path, left: left.get(path) ?? 'absent', right: right.get(path) ?? 'absent' }));
}

/** The two trees are equal; returns the tree. */
export async function sameTrees(
  t: Test,
  lake: { source: { url: string }; target: { url: string } },
): Promise<Tree> {
  const [source, target] = await Promise.all([webhdfsTree(lake.source.url), gen2Tree(lake.target.url)]);
  t.strictSame(
    differencesOf(source, target),
    [],
    `both stores (left source, right target) have the same ${source.size} paths`,
  );
  return source;
}
