// Reading, properties and deletion of one path on the DFS API (Gen2 reference §2.4 to §2.7).
import { StoreError } from '../../core/store-error.ts';
import { parseContentHeaders, parseProperties } from '../../wire/dfs/properties.ts';
import { booleanParam, conditioned, type Exchange, given, type Operation } from './exchange.ts';
import { read } from './read.ts';
import { empty, entryAfter, entryHeaders, versionHeaders } from './replies.ts';

async function head(exchange: Exchange, attributes: boolean) {
  const { address, store, ctx } = exchange;
  const { entry } = await store.query(
    { verb: 'stat', path: address.path, attributes, ...conditioned(exchange) },
    ctx,
  );
  // AzCopy needs a Content-Length on folders too.
  return {
    status: 200,
    headers: { ...entryHeaders(entry, attributes), 'content-length': entry.lengthBytes },
  };
}

export const pathProperties: Operation = (exchange) => head(exchange, true);

export const getStatus: Operation = (exchange) => head(exchange, false);

export const readPath: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  try {
    return await read(exchange);
  } catch (thrown) {
    const error = StoreError.from(thrown, 'no');
    if (error.kind !== 'is-directory') throw error;
    await store.query({ verb: 'stat', path: address.path }, ctx);
    throw new StoreError('is-directory', 'a directory has no content', { code: 'ResourceTypeMismatch' });
  }
};

export const setProperties: Operation = async (exchange) => {
  const { address, store, ctx, request } = exchange;
  const content = parseContentHeaders(request.headers, 'x-ms-');
  const result = await store.mutate(
    {
      verb: 'set-attributes',
      path: address.path,
      properties: parseProperties(given(exchange, 'x-ms-properties') ?? ''),
      ...(content ? { content } : {}),
      ...conditioned(exchange),
    },
    ctx,
  );
  return empty(200, versionHeaders(await entryAfter(exchange, result, address.path)));
};

export const deletePath: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const recursive = booleanParam(exchange, 'recursive');
  await store.mutate({ verb: 'delete', path: address.path, recursive, ...conditioned(exchange) }, ctx);
  return empty(200);
};
