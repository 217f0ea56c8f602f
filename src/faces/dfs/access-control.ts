// ACLs, owners and modes (Gen2 reference §2.4, §2.5).
import { type AclEntry, type AclMode, parseAcl, parsePermission } from '../../core/acl.ts';
import type { SetAttributesMutation } from '../../core/mutation.ts';
import { joinPath, relativeTo } from '../../core/path.ts';
import type { ListQuery } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';
import {
  badHeader,
  badParam,
  booleanParam,
  conditioned,
  type Exchange,
  given,
  integerParam,
  missingHeader,
  missingParam,
  type Operation,
  param,
  tokenParam,
  wireToken,
} from './exchange.ts';
import { accessHeaders, empty, entryAfter, versionHeaders } from './replies.ts';

/** Most paths of one recursive call (Gen2 reference §6). */
const maxRecords = 2000;

export const getAccessControl: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const { entry } = await store.query(
    { verb: 'stat', path: address.path, attributes: true, ...conditioned(exchange) },
    ctx,
  );
  return empty(200, { ...versionHeaders(entry), ...accessHeaders(entry) });
};

export const checkAccess: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const text = param(exchange, 'fsAction');
  if (text === undefined) throw missingParam('fsAction');
  if (!/^[r-][w-][x-]$/.test(text)) throw badParam('fsAction', text);
  const action = parsePermission(`${text}------`) >> 6;
  await store.query({ verb: 'access', path: address.path, action }, ctx);
  return empty(200);
};

export const setAccessControl: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const [owner, group] = [given(exchange, 'x-ms-owner'), given(exchange, 'x-ms-group')];
  const [permissions, acl] = [given(exchange, 'x-ms-permissions'), given(exchange, 'x-ms-acl')];
  if (permissions !== undefined && acl !== undefined)
    throw badHeader('x-ms-acl', 'it cannot be given together with x-ms-permissions');
  if ([owner, group, permissions, acl].every((each) => each === undefined)) throw missingHeader('x-ms-acl');
  const mutation: SetAttributesMutation = {
    verb: 'set-attributes',
    path: address.path,
    ...conditioned(exchange),
  };
  if (owner !== undefined) mutation.owner = owner;
  if (group !== undefined) mutation.group = group;
  if (permissions !== undefined) mutation.permission = parsePermission(permissions);
  if (acl !== undefined) mutation.acl = { mode: 'replace', entries: parseAcl(acl) };
  return empty(
    200,
    versionHeaders(await entryAfter(exchange, await store.mutate(mutation, ctx), address.path)),
  );
};

/** Counts of one recursive call: JSON numbers, unlike everything else of this protocol. */
interface Totals {
  directoriesSuccessful: number;
  failedEntries: { name: string; type: 'FILE' | 'DIRECTORY'; errorMessage: string }[];
  failureCount: number;
  filesSuccessful: number;
}

interface Change {
  mode: AclMode;
  entries: AclEntry[];
  stopOnFailure: boolean;
}

/** Default entries are for folders only: a file below takes the rest. */
function entriesFor(type: 'file' | 'directory', entries: AclEntry[]): AclEntry[] {
  return type === 'directory' ? entries : entries.filter((entry) => entry.scope === 'access');
}

async function changeOne(
  exchange: Exchange,
  path: string,
  type: 'file' | 'directory',
  change: Change,
  totals: Totals,
): Promise<boolean> {
  const { store, ctx, address } = exchange;
  try {
    const acl = { mode: change.mode, entries: entriesFor(type, change.entries) };
    if (acl.entries.length > 0) await store.mutate({ verb: 'set-attributes', path, acl }, ctx);
    if (type === 'directory') totals.directoriesSuccessful++;
    else totals.filesSuccessful++;
    return true;
  } catch (thrown) {
    const error = StoreError.from(thrown);
    if (error.temporary || error.kind === 'not-found') throw error;
    totals.failureCount++;
    const name = relativeTo(path, `/${address.path.split('/')[1]}`);
    totals.failedEntries.push({
      name,
      type: type === 'file' ? 'FILE' : 'DIRECTORY',
      errorMessage: error.message,
    });
    return !change.stopOnFailure;
  }
}

function parseChange(exchange: Exchange): Change {
  const mode = param(exchange, 'mode')?.toLowerCase();
  if (mode === undefined) throw missingParam('mode');
  if (mode !== 'set' && mode !== 'modify' && mode !== 'remove') throw badParam('mode', mode);
  const acl = given(exchange, 'x-ms-acl');
  if (acl === undefined) throw missingHeader('x-ms-acl');
  return {
    // The whole ACL: Hadoop's client takes default entries away by leaving them out.
    mode: mode === 'set' ? 'replace' : mode,
    entries: parseAcl(acl, mode !== 'remove'),
    stopOnFailure: !booleanParam(exchange, 'forceFlag'),
  };
}

export const setAccessControlRecursive: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const change = parseChange(exchange);
  const limit = integerParam(exchange, 'maxRecords', { min: 1, max: maxRecords }) ?? maxRecords;
  const token = tokenParam(exchange, 'continuation');
  const totals: Totals = { directoriesSuccessful: 0, failedEntries: [], failureCount: 0, filesSuccessful: 0 };
  let goOn = true;
  let left = limit;
  if (token === undefined) {
    const { entry } = await store.query({ verb: 'stat', path: address.path }, ctx);
    goOn = await changeOne(exchange, address.path, entry.type, change, totals);
    left--;
  }
  // An empty token stands for a first call that had room for the root only.
  const query: ListQuery = { verb: 'list', path: address.path, recursive: true, limit: Math.max(left, 1) };
  if (token) query.token = token;
  const page =
    goOn && left > 0 ? await store.query(query, ctx) : { entries: [], token: left > 0 ? undefined : '' };
  for (const entry of page.entries) {
    if (!goOn || entry.path === address.path) break;
    goOn = await changeOne(
      exchange,
      joinPath(address.path, relativeTo(entry.path, address.path)),
      entry.type,
      change,
      totals,
    );
  }
  const headers: Record<string, string> = { 'content-type': 'application/json;charset=utf-8' };
  if (goOn && page.token !== undefined) headers['x-ms-continuation'] = wireToken(page.token);
  return { status: 200, headers, body: JSON.stringify(totals) };
};
