// What two stores hold, read in full, and what differs.
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Test } from 'tap';
import { formatAcl, isExtendedAcl, sortAcl } from '../../src/core/acl.ts';
import { ownCtx } from '../../src/core/ctx.ts';
import type { Entry } from '../../src/core/entry.ts';
import { joinPath, relativeTo } from '../../src/core/path.ts';
import type { Side, Store } from '../../src/core/store.ts';

const ctx = ownCtx('same-trees');

async function described(store: Store, path: string, modes: boolean): Promise<string> {
  const { entry } = await store.query({ verb: 'stat', path, attributes: true }, ctx);
  const { content, own } = propertiesOf(entry);
  const headers = JSON.stringify([...content, ...own].sort());
  if (entry.type === 'directory') return `${rights(entry, modes)} ${headers} directory`;
  return `${rights(entry, modes)} ${headers} ${entry.lengthBytes} ${await digestOf(store, entry)}`;
}

/** A mode cannot be set beside an extended ACL on Gen2: then only the ACL is compared. */
function rights({ acl = [], permission }: Entry, modes: boolean): string {
  if (modes && !isExtendedAcl(acl)) return permission.toString(8);
  return formatAcl(sortAcl(acl.filter((entry) => modes || entry.scope === 'default' || entry.name !== '')));
}

function propertiesOf({ properties: all = {}, content = {} }: Entry) {
  // On HDFS the content headers are one more property; the source's modification time is the gateway's own.
  const { twinlake_mtime: _, '.content': kept = '{}', ...own } = all;
  const headers: Record<string, string> = { ...JSON.parse(kept), ...content };
  if (headers.contentType === 'application/octet-stream') delete headers.contentType;
  return { content: Object.entries(headers), own: Object.entries(own) };
}

async function digestOf(store: Store, { path }: Entry): Promise<string> {
  const { body } = await store.query({ verb: 'read', path, offset: 0 }, ctx);
  const hash = createHash('sha256').update(await buffer(body));
  return hash.digest('hex').slice(0, 16);
}

/** Relative path → what is there, for everything below `root` but the gateway's own folder. */
async function treeOf(store: Store, root: string, modes: boolean): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  let after: string | undefined;
  do {
    const query = { verb: 'list', path: root, recursive: true, limit: 1000 } as const;
    const page = await store.query(after === undefined ? query : { ...query, token: after }, ctx);
    for (const { path } of page.entries) {
      const name = relativeTo(path, root);
      if (!/(^|\/)\.twinlake(\/|$)/.test(name))
        tree.set(name, await described(store, joinPath(root, name), modes));
    }
    after = page.token;
  } while (after !== undefined);
  return tree;
}

/** Two trees beside each other. */
export interface Comparison {
  differences: { path: string; source: string; target: string }[];
  paths: number;
}

/**
 * Compares paths, bytes, rights and properties below the roots.
 * @param modes false: nobody named the modes
 */
export async function compareTrees(
  stores: Record<Side, Store>,
  roots: Record<Side, string>,
  modes: boolean,
): Promise<Comparison> {
  const [source, target] = await Promise.all([
    treeOf(stores.source, roots.source, modes),
    treeOf(stores.target, roots.target, modes),
  ]);
  const differences = [...new Set([...source.keys(), ...target.keys()])]
    .filter((path) => source.get(path) !== target.get(path))
    .map((path) => ({ path, source: source.get(path) ?? 'absent', target: target.get(path) ?? 'absent' }));
  return { differences, paths: source.size };
}

/** Asserts that both hold the same, and something. */
export async function sameTrees(
  t: Test,
  stores: Record<Side, Store>,
  roots: Record<Side, string>,
  modes: boolean,
): Promise<void> {
  const { differences, paths } = await compareTrees(stores, roots, modes);
  t.strictSame(differences, [], `${paths} paths are the same on both sides`);
  t.ok(paths > 0, 'and there are some');
}
