// Both stores as they are, read past the gateway with their own protocols, and what differs between them.
import { createHash } from 'node:crypto';
import type { Test } from 'tap';
import { lakeFilesystem, sdkRead, webhdfsClient } from './clients.ts';

/** A path without leading slash → what is there: type, mode, ACL, and length and digest of a file. */
export type Tree = Map<string, string>;

const describe = (type: string, permission: number, acl: string[], bytes?: Buffer): string => {
  const content = bytes
    ? ` ${bytes.length} ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
    : '';
  return `${type} ${permission.toString(8)} [${acl.sort()}]${content}`;
};

/** Entries beyond the nine bits of the mode, as both protocols can say them. */
const named = (entries: readonly string[]): string[] =>
  entries.filter((entry) => entry.startsWith('default:') || !/^(user|group|mask|other)::/.test(entry));

/** Everything below /lake of a WebHDFS server. */
export async function webhdfsTree(url: string): Promise<Tree> {
  const client = webhdfsClient(url);
  const tree: Tree = new Map();
  const walk = async (folder: string): Promise<void> => {
    const { json } = await client.call('GET', folder, 'LISTSTATUS');
    for (const status of json.FileStatuses.FileStatus) {
      const path = `${folder}/${status.pathSuffix}`;
      if (path === '/lake/.twinlake') continue;
      const isFile = status.type === 'FILE';
      const acl = await client.call('GET', path, 'GETACLSTATUS');
      const bytes = isFile ? (await client.read(path))!.bytes : undefined;
      tree.set(
        path.slice('/lake/'.length),
        describe(
          status.type,
          Number.parseInt(status.permission, 8),
          named(acl.json.AclStatus.entries),
          bytes,
        ),
      );
      if (!isFile) await walk(path);
    }
  };
  await walk('/lake');
  return tree;
}

const modeBits = (permissions: string): number =>
  [...permissions.slice(0, 9)].reduce((bits, letter, i) => (letter === '-' ? bits : bits | (256 >> i)), 0);

/** Everything in filesystem `lake` of a Gen2 server. */
export async function gen2Tree(url: string): Promise<Tree> {
  const lake = lakeFilesystem(url);
  const tree: Tree = new Map();
  for await (const item of lake.listPaths({ recursive: true })) {
    const path = item.name!;
    if (path === '.twinlake' || path.startsWith('.twinlake/')) continue;
    const control = await lake.getFileClient(path).getAccessControl();
    const acl = named(
      control.acl.map(({ defaultScope, accessControlType, entityId, permissions: may }) => {
        const bits = `${may.read ? 'r' : '-'}${may.write ? 'w' : '-'}${may.execute ? 'x' : '-'}`;
        return `${defaultScope ? 'default:' : ''}${accessControlType}:${entityId}:${bits}`;
      }),
    );
    const permission = modeBits(item.permissions ? permissionText(item.permissions) : '');
    const bytes = item.isDirectory ? undefined : (await sdkRead(lake, path))!.bytes;
    tree.set(path, describe(item.isDirectory ? 'DIRECTORY' : 'FILE', permission, acl, bytes));
  }
  return tree;
}

function permissionText(permissions: unknown): string {
  type May = { read: boolean; write: boolean; execute: boolean };
  const { owner, group, other } = permissions as Record<'owner' | 'group' | 'other', May>;
  return [owner, group, other]
    .map((may) => `${may.read ? 'r' : '-'}${may.write ? 'w' : '-'}${may.execute ? 'x' : '-'}`)
    .join('');
}

/** The two trees are equal; returns the tree. */
export async function sameTrees(
  t: Test,
  lake: { source: { url: string }; target: { url: string } },
): Promise<Tree> {
  const [source, target] = await Promise.all([webhdfsTree(lake.source.url), gen2Tree(lake.target.url)]);
  const differences = [...new Set([...source.keys(), ...target.keys()])]
    .filter((path) => source.get(path) !== target.get(path))
    .map((path) => ({ path, source: source.get(path) ?? 'absent', target: target.get(path) ?? 'absent' }));
  t.strictSame(differences, [], `both stores have the same ${source.size} paths`);
  return source;
}
