// XML of the Blob API, both ways.
import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply, FaceRequest } from '../../wire/http.ts';
import { readBounded } from './read-bounded.ts';

/** Largest XML body: a block list of 50,000 ids of 64 bytes fits. */
export const maxXmlBytes = 8 * 1024 * 1024;

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
});
const parser = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  trimValues: true,
  processEntities: true,
});

/** Characters that XML 1.0 cannot carry, escaped or not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those
const notXml = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** A name as an element's content: percent-encoded, and said so, where XML could not carry it (List Blobs since 2021). */
export function xmlText(name: string): string | { '@Encoded': 'true'; '#text': string } {
  return notXml.test(name) ? { '@Encoded': 'true', '#text': encodeURIComponent(name) } : name;
}

/** Properties whose names can be names of elements. */
export function xmlNames(properties: Readonly<Record<string, string>>): Record<string, string> {
  const fit = Object.entries(properties).filter(
    ([name, value]) => /^[A-Za-z_][\w.-]*$/.test(name) && !notXml.test(value),
  );
  return Object.fromEntries(fit);
}

/** A 200 with an XML document. */
export function xmlReply(document: object, headers: FaceReply['headers'] = {}): FaceReply {
  const body = `<?xml version="1.0" encoding="utf-8"?>${builder.build(document)}`;
  return { status: 200, headers: { ...headers, 'content-type': 'application/xml' }, body };
}

/** @throws StoreError `invalid`, `too-large` */
export async function readXml(request: FaceRequest): Promise<unknown> {
  const text = (await readBounded(request, maxXmlBytes)).toString();
  if (XMLValidator.validate(text) !== true) {
    throw new StoreError('invalid', 'the body is not well-formed XML', { code: 'InvalidXmlDocument' });
  }
  return parser.parse(text);
}
