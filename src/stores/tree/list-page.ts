// One page of a folder's entries, in order of UTF-8 bytes, depth first. Names are held, nodes only of the page.
import type { Entry } from '../../core/entry.ts';
import { compareNames, joinPath, relativeTo } from '../../core/path.ts';
import type { ListQuery, ListResult } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';
import { alive, entryOf, type Rules, require } from './rules.ts';
import type { Content, TreeNode } from './tree.ts';

/** How many nodes are looked up at once. */
const lookupBatch = 128;

/** Surrogates sort before U+E000..U+FFFF in UTF-16 and after them in UTF-8. */
const needsByteOrder = /[\ud800-\udfff]/;

/** Names in UTF-8 byte order. */
export function sortNames(names: string[]): string[] {
  return names.some((name) => needsByteOrder.test(name)) ? names.sort(compareNames) : names.sort();
}

/** The token is the relative path of the last entry. @throws StoreError `not-found`, `invalid` */
export async function listPage<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  query: ListQuery,
): Promise<ListResult> {
  const { path, limit } = query;
  if (!Number.isInteger(limit) || limit < 1) throw StoreError.invalid('a page has at least one entry');
  const nowMs = rules.now();
  const node = await require(rules, path);
  const after = query.token ?? query.after;
  if (node.type === 'file') return { entries: after === undefined ? [entryOf(path, node, nowMs)] : [] };
  const entries: Entry[] = [];
  let more = false;
  for await (const [childPath, child] of walk(rules, path, query.recursive, after?.split('/') ?? [])) {
    if (entries.length === limit) {
      more = true;
      break;
    }
    entries.push(entryOf(childPath, child, nowMs));
  }
  const last = entries.at(-1);
  return more && last ? { entries, token: relativeTo(last.path, path) } : { entries };
}

/** Everything below a folder that is behind the relative path `after`, depth first. */
export async function* walk<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  folder: string,
  recursive: boolean,
  after: readonly string[],
): AsyncGenerator<[path: string, node: N]> {
  const [first, ...rest] = after;
  let names = sortNames(await rules.tree.childNames(folder));
  if (first !== undefined) {
    names = names.filter((name) => compareNames(name, first) >= (recursive ? 0 : 1));
  }
  for (let start = 0; start < names.length; start += lookupBatch) {
    const batch = names.slice(start, start + lookupBatch);
    const nodes = await rules.tree.findChildren(folder, batch);
    for (const [index, name] of batch.entries()) {
      const node = alive(nodes[index], rules.now());
      if (!node) continue;
      const path = joinPath(folder, name);
      const reached = name === first;
      if (!reached) yield [path, node];
      if (recursive && node.type === 'directory') yield* walk(rules, path, true, reached ? rest : []);
    }
  }
}
