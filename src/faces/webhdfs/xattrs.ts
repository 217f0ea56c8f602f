// The xattr verbs over the properties of an entry.
import type { Condition } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import { wrong } from '../../wire/webhdfs/params.ts';
import {
  decodeXattrValue,
  encodeXattrValue,
  propertyOfXattr,
  type XattrEncoding,
  xattrOfProperty,
} from '../../wire/webhdfs/xattrs.ts';
import type { Exchange } from './exchange.ts';
import { emptyReply, jsonReply } from './replies.ts';

/** A store replaces properties as a whole; how often a change that met another one is tried. */
const changeAttempts = 3;

type Properties = Record<string, string>;

/** All, or those named; naming one that is not there is an error, as in HDFS. */
export async function getXattrs(exchange: Exchange): Promise<FaceReply> {
  const { params } = exchange.target;
  const encoding = encodingOf(params.text('encoding'));
  const { properties } = await propertiesOf(exchange);
  const asked = params.all('xattr.name');
  const names = asked.length > 0 ? asked : Object.keys(properties).sort().map(xattrOfProperty);
  const XAttrs = names.map((name) => {
    const value = properties[propertyOfXattr(name)];
    if (value === undefined)
      throw StoreError.invalid('At least one of the attributes provided was not found.');
    return { name, value: encodeXattrValue(value, encoding) };
  });
  return jsonReply(200, { XAttrs });
}

/** The list is JSON inside a JSON string; Hadoop reads it so. */
export async function listXattrs(exchange: Exchange): Promise<FaceReply> {
  const { properties } = await propertiesOf(exchange);
  return jsonReply(200, { XAttrNames: JSON.stringify(Object.keys(properties).sort().map(xattrOfProperty)) });
}

/** `flag` CREATE: must be new; REPLACE: must be there; both or none: either way. */
export async function setXattr(exchange: Exchange): Promise<FaceReply> {
  const { params, dialect } = exchange.target;
  const name = params.required('xattr.name');
  const property = propertyOfXattr(name);
  const value = decodeXattrValue(params.text('xattr.value'));
  const flags = (params.text('flag') ?? 'CREATE,REPLACE').toUpperCase().split(',');
  if (flags.some((flag) => flag !== 'CREATE' && flag !== 'REPLACE'))
    wrong('flag', 'it is CREATE, REPLACE or both');
  await changeProperties(exchange, (properties) => {
    const known = Object.hasOwn(properties, property);
    if (known && !flags.includes('REPLACE')) throw new StoreError('exists', `XAttr: ${name} already exists.`);
    if (!known && !flags.includes('CREATE')) throw StoreError.invalid(`XAttr: ${name} does not exist.`);
    return { ...properties, [property]: value };
  });
  return emptyReply(200, dialect);
}

export async function removeXattr(exchange: Exchange): Promise<FaceReply> {
  const { params, dialect } = exchange.target;
  const property = propertyOfXattr(params.required('xattr.name'));
  await changeProperties(exchange, (properties) => {
    const { [property]: gone, ...rest } = properties;
    if (gone === undefined) throw StoreError.invalid('No matching attributes found for remove operation');
    return rest;
  });
  return emptyReply(200, dialect);
}

async function propertiesOf({
  store,
  ctx,
  target,
}: Exchange): Promise<{ properties: Properties; etag?: string }> {
  const { entry } = await store.query({ verb: 'stat', path: target.path, attributes: true }, ctx);
  return { properties: entry.properties ?? {}, ...(entry.etag === undefined ? {} : { etag: entry.etag }) };
}

/** Read, change, write back under the condition that nobody else wrote in between. */
async function changeProperties(exchange: Exchange, change: (now: Properties) => Properties): Promise<void> {
  const { store, ctx, target } = exchange;
  for (let attempt = 1; ; attempt++) {
    const { properties, etag } = await propertiesOf(exchange);
    const condition: { condition?: Condition } = etag === undefined ? {} : { condition: { ifMatch: etag } };
    try {
      const next = change(properties);
      await store.mutate({ verb: 'set-attributes', path: target.path, properties: next, ...condition }, ctx);
      return;
    } catch (error) {
      const failure = StoreError.from(error);
      if (failure.kind !== 'condition-failed') throw failure;
      if (attempt >= changeAttempts) {
        throw new StoreError('unavailable', `${target.path} is being changed by others`, { cause: failure });
      }
    }
  }
}

function encodingOf(text: string | undefined): XattrEncoding {
  const encoding = (text ?? 'hex').toLowerCase();
  if (encoding !== 'text' && encoding !== 'hex' && encoding !== 'base64') {
    wrong('encoding', 'it is text, hex or base64');
  }
  return encoding;
}
