// Put Blob, Put Block, Put Block List (Gen2 reference §3.4).
import { StoreError } from '../../core/store-error.ts';
import {
  conditioned,
  conditionOf,
  contentLength,
  type Exchange,
  given,
  missingHeader,
  missingParam,
  type Operation,
  param,
} from './exchange.ts';
import { newAttributes } from './new-path.ts';
import { empty, entryAfter, versionHeaders } from './replies.ts';
import { withBody } from './upload-body.ts';
import { readXml } from './xml.ts';

/** Most blocks of one blob (Gen2 reference §6). */
export const maxBlocks = 50_000;
/** Longest block id, decoded. */
const maxBlockIdBytes = 64;

/**
 * Clients of flat accounts make a folder as an empty blob, with a mark or with a slash at the end of its name; here it becomes one.
 * @throws StoreError `invalid` if it has content
 */
function namesFolder(exchange: Exchange): boolean {
  const marked = given(exchange, 'x-ms-meta-hdi_isfolder')?.toLowerCase() === 'true';
  if (!marked && !/(\/|%2f)$/i.test(exchange.address.rawPath)) return false;
  if (contentLength(exchange) === 0) return true;
  throw new StoreError('invalid', 'a folder has no content', { code: 'ContentLengthMustBeZero' });
}

export const putBlob: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const type = given(exchange, 'x-ms-blob-type');
  if (type === undefined) throw missingHeader('x-ms-blob-type');
  if (type.toLowerCase() !== 'blockblob')
    throw StoreError.unsupported(`blobs of type ${type} are not supported`);
  const attributes = newAttributes(exchange, 'file');
  const contentType = given(exchange, 'content-type');
  if (contentType !== undefined) attributes.content = { contentType, ...attributes.content };
  const { path } = address;
  const folder = namesFolder(exchange);
  const common = { path, parents: 'below-root-folder', attributes, ...conditioned(exchange) } as const;
  const { result } = await withBody(exchange, (body) =>
    folder
      ? store.mutate({ verb: 'mkdir', ...common }, ctx)
      : store.mutate({ verb: 'create', body, ...common }, ctx),
  );
  const entry = await entryAfter(exchange, result, path);
  return empty(201, { ...versionHeaders(entry), 'x-ms-request-server-encrypted': 'true', ...md5(exchange) });
};

function md5(exchange: Exchange): Record<string, string> {
  const given5 = given(exchange, 'content-md5');
  return given5 === undefined ? {} : { 'content-md5': given5 };
}

/** @throws StoreError `invalid` */
function checkBlockId(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.length > maxBlockIdBytes || bytes.toString('base64') !== text) {
    throw new StoreError('invalid', 'the block id is not base64 of 1 to 64 bytes', {
      code: 'InvalidBlockId',
    });
  }
  return text;
}

export const putBlock: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const id = param(exchange, 'blockid');
  if (id === undefined) throw missingParam('blockid');
  // A plus in a query is a space to a form decoder; base64 has no spaces.
  const blockId = checkBlockId(id.replaceAll(' ', '+'));
  const leaseId = conditionOf(exchange)?.leaseId;
  const leased = leaseId === undefined ? {} : { condition: { leaseId } };
  await withBody(exchange, (body) =>
    store.mutate(
      { verb: 'stage-block', path: address.path, blockId, body, ...leased },
      { ...ctx, wantEntry: false },
    ),
  );
  return empty(201, { 'x-ms-request-server-encrypted': 'true', ...md5(exchange) });
};

/** Block ids in the order of the document. @throws StoreError `invalid` */
function blockIdsOf(document: unknown): string[] {
  const root = (document as Record<string, unknown>[]).find((node) => 'BlockList' in node)?.BlockList;
  if (!Array.isArray(root))
    throw new StoreError('invalid', 'there is no BlockList', { code: 'InvalidXmlDocument' });
  if (root.length > maxBlocks)
    throw new StoreError('invalid', `a blob has at most ${maxBlocks} blocks`, { code: 'InvalidBlockList' });
  return root.map((node: Record<string, { '#text'?: string }[]>) => {
    const name = Object.keys(node)[0] ?? '';
    if (!['Latest', 'Uncommitted', 'Committed'].includes(name)) {
      throw new StoreError('invalid', `${name} is not a kind of block`, { code: 'InvalidXmlDocument' });
    }
    return checkBlockId(String(node[name]?.[0]?.['#text'] ?? ''));
  });
}

export const putBlockList: Operation = async (exchange) => {
  const { address, store, ctx, request } = exchange;
  const blockIds = blockIdsOf(await readXml(request));
  const { path } = address;
  const attributes = newAttributes(exchange, 'file');
  const result = await store.mutate(
    {
      verb: 'commit-blocks',
      path,
      parents: 'below-root-folder',
      blockIds,
      attributes,
      ...conditioned(exchange),
    },
    ctx,
  );
  const entry = await entryAfter(exchange, result, path);
  return empty(201, { ...versionHeaders(entry), 'x-ms-request-server-encrypted': 'true' });
};
