// Rename (Gen2 reference §2.3): the destination is the request's path, the source a header in one of many spellings.
import type { RenameMutation } from '../../core/mutation.ts';
import { segmentsOf } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import { parseProperties } from '../../wire/dfs/properties.ts';
import { accountOfHost, gen2Path, stripAccount } from './address.ts';
import { conflictReply } from './create-path.ts';
import { badParam, conditionOf, type Exchange, given, type Operation, param } from './exchange.ts';
import { empty, entryAfter, versionHeaders } from './replies.ts';

function badSource(message: string): StoreError {
  return new StoreError('invalid', message, { code: 'InvalidSourceUri' });
}

/**
 * `/fs/dir/f`, `/account/fs/dir/f`, with slashes encoded or not, with or without `?SAS` (Gen2 reference §0.12).
 * @throws StoreError `invalid`
 */
export function renameSource(exchange: Exchange): string {
  const text = given(exchange, 'x-ms-rename-source')!;
  const mark = text.indexOf('?');
  let decoded: string;
  try {
    decoded = decodeURIComponent(mark === -1 ? text : text.slice(0, mark));
  } catch {
    throw badSource('the source has a malformed percent-escape');
  }
  const absolute = decoded.startsWith('/') ? decoded : `/${decoded}`;
  const host = accountOfHost(given(exchange, 'host'));
  const path = gen2Path(stripAccount(absolute, host?.account, exchange.accounts).path);
  if (segmentsOf(path).length < 2) throw badSource('the source is not a path within a filesystem');
  return path;
}

export const renamePath: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const mode = param(exchange, 'mode')?.toLowerCase() ?? 'posix';
  if (mode !== 'legacy' && mode !== 'posix') throw badParam('mode', mode);
  const mutation: RenameMutation = {
    verb: 'rename',
    path: renameSource(exchange),
    destination: address.path,
    replace: 'any',
    // As `mv` does: what Hadoop's driver relies on, and its own tests hold the service to (testPosixRenameDirectory).
    intoDirectory: mode === 'posix',
  };
  const [condition, sourceCondition] = [conditionOf(exchange), conditionOf(exchange, 'x-ms-source-')];
  if (condition?.ifNoneMatch === '*') mutation.replace = 'none';
  else if (condition) mutation.condition = condition;
  if (sourceCondition) mutation.sourceCondition = sourceCondition;
  const properties = given(exchange, 'x-ms-properties');
  if (properties !== undefined) mutation.properties = parseProperties(properties);
  try {
    const entry = await entryAfter(exchange, await store.mutate(mutation, ctx), address.path);
    return empty(201, versionHeaders(entry));
  } catch (thrown) {
    const error = StoreError.from(thrown);
    if (error.kind !== 'not-found' || error.code === 'FilesystemNotFound')
      return conflictReply(exchange, error, address.path);
    throw new StoreError('not-found', error.message, { code: 'SourcePathNotFound' });
  }
};
