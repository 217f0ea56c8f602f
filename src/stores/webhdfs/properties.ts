// What only Gen2 has, kept in extended attributes (semantics B3): one per property, one for all content headers.
import type { ContentHeaders } from '../../core/entry.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import {
  decodeXattrValue,
  encodeXattrValue,
  propertyOfXattr,
  xattrOfProperty,
} from '../../wire/webhdfs/xattrs.ts';
import type { StoreParts } from './store-parts.ts';

/** Holds the content headers as JSON. No property has this name: a Gen2 property is an identifier. */
const contentXattr = 'user.twinlake..content';
const contentKeys = [
  'contentType',
  'contentEncoding',
  'contentLanguage',
  'contentDisposition',
  'cacheControl',
  'contentMd5',
] as const satisfies (keyof ContentHeaders)[];

interface Xattrs {
  properties: Record<string, string>;
  content?: ContentHeaders;
}

/** Attributes of other namespaces, and values that are no text, are left alone: not shown, not removed. @throws StoreError */
export async function readXattrs({ calls }: StoreParts, path: string, ctx: Ctx): Promise<Xattrs> {
  let answer: unknown;
  try {
    answer = await calls.json({ method: 'GET', op: 'GETXATTRS', path, params: { encoding: 'base64' } }, ctx);
  } catch (error) {
    // `dfs.namenode.xattrs.enabled` is false.
    if (/XAttrs? .*(disabled|not supported)/i.test(StoreError.from(error, 'no').message))
      return { properties: {} };
    throw error;
  }
  const listed = (answer as { XAttrs?: { name?: unknown; value?: unknown }[] } | undefined)?.XAttrs;
  if (!Array.isArray(listed)) throw new StoreError('internal', 'the store answers no list of XAttrs');
  const result: Xattrs = { properties: {} };
  for (const { name, value } of listed) {
    if (typeof name !== 'string' || !name.startsWith('user.')) continue;
    const text = textOf(value);
    if (text === undefined) continue;
    if (name === contentXattr) result.content = parseContent(text);
    else result.properties[propertyOfXattr(name)] = text;
  }
  return result;
}

function textOf(value: unknown): string | undefined {
  try {
    return decodeXattrValue(typeof value === 'string' ? value : null);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'unsupported') return undefined;
    throw error;
  }
}

function parseContent(text: string): ContentHeaders {
  const content: ContentHeaders = {};
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new StoreError('internal', `${contentXattr} is not JSON`, { cause: error });
  }
  for (const key of contentKeys) {
    const value = parsed[key];
    if (typeof value === 'string') content[key] = value;
  }
  return content;
}

/** Replaces all properties. @throws StoreError */
export async function writeProperties(
  parts: StoreParts,
  path: string,
  properties: Record<string, string>,
  ctx: Ctx,
): Promise<void> {
  const { properties: old } = await readXattrs(parts, path, ctx);
  for (const [property, value] of Object.entries(properties)) {
    if (old[property] !== value) await setXattr(parts, path, xattrOfProperty(property), value, ctx);
  }
  for (const property of Object.keys(old)) {
    if (!Object.hasOwn(properties, property)) await removeXattr(parts, path, xattrOfProperty(property), ctx);
  }
}

/** Replaces all content headers. @throws StoreError */
export async function writeContent(
  parts: StoreParts,
  path: string,
  content: ContentHeaders,
  ctx: Ctx,
): Promise<void> {
  if (contentKeys.some((key) => content[key] !== undefined)) {
    await setXattr(parts, path, contentXattr, JSON.stringify(content), ctx);
  } else if ((await readXattrs(parts, path, ctx)).content) {
    await removeXattr(parts, path, contentXattr, ctx);
  }
}

async function setXattr(
  { calls }: StoreParts,
  path: string,
  name: string,
  value: string,
  ctx: Ctx,
): Promise<void> {
  const params = {
    'xattr.name': name,
    'xattr.value': encodeXattrValue(value, 'base64') ?? undefined,
    // HDFS refuses REPLACE of what is not there and CREATE of what is; both together mean either.
    flag: 'CREATE,REPLACE',
  };
  await calls.json({ method: 'PUT', op: 'SETXATTR', path, params }, ctx);
}

async function removeXattr({ calls }: StoreParts, path: string, name: string, ctx: Ctx): Promise<void> {
  await calls.json({ method: 'PUT', op: 'REMOVEXATTR', path, params: { 'xattr.name': name } }, ctx);
}
