// Which attributes of a path have to change so that the other side is like the truth, as far as both can hold them. Pure.
import { formatAcl, isExtendedAcl, sortAcl } from '../core/acl.ts';
import { type ContentHeaders, type Entry, mtimeProperty } from '../core/entry.ts';
import type { Attributes, SetAttributesMutation } from '../core/mutation.ts';
import type { Supports } from '../core/store.ts';

/** What both sides can hold. */
export type Common = Pick<Supports, 'acl' | 'properties' | 'expiry'>;

/** One change, without its path. */
export type AttributeChange = Omit<SetAttributesMutation, 'verb' | 'path' | 'condition'>;

/** What Gen2 says of a file that nobody gave a type. */
const defaultType = 'application/octet-stream';

/** The facts that two stores share. */
export function commonOf(a: Supports, b: Supports): Common {
  return {
    acl: a.acl && b.acl,
    properties: a.properties && b.properties,
    expiry: a.expiry && b.expiry,
  };
}

/** Changes of `other`, in their order; none if it is like `truth`. Both were asked with `attributes`. */
export function attributeChanges(truth: Entry, other: Entry, can: Common): AttributeChange[] {
  const changes = rightsChanges(truth, other, can);
  const rest: AttributeChange = {};
  if (can.properties && !sameProperties(truth, other)) {
    const kept = other.properties?.[mtimeProperty];
    rest.properties = { ...ownProperties(truth), ...(kept === undefined ? {} : { [mtimeProperty]: kept }) };
  }
  if (can.properties && truth.type === 'file' && contentKey(truth) !== contentKey(other))
    rest.content = truth.content ?? {};
  if (can.expiry && truth.expiresMs !== other.expiresMs) rest.expiresMs = truth.expiresMs ?? null;
  return Object.keys(rest).length > 0 ? [...changes, rest] : changes;
}

/**
 * The times that were set at the truth, as the other side takes them: what cannot set a file's own time keeps it as a property (semantics
 * B3). Undefined if it has them.
 */
export function timesChange(
  truth: Entry,
  other: Entry,
  can: { truth: Supports; other: Supports },
): AttributeChange | undefined {
  const kept = (entry: Entry, { setTimes }: Supports): number | undefined =>
    setTimes ? entry.modifiedMs : numberOf(entry.properties?.[mtimeProperty]);
  const precisionMs = Math.max(1, can.other.setTimes ? can.other.timePrecisionMs : 1);
  const isSame = (a: number, b: number | undefined): boolean =>
    b !== undefined && Math.floor(a / precisionMs) === Math.floor(b / precisionMs);
  const change: AttributeChange = {};
  const wanted = kept(truth, can.truth);
  if (wanted !== undefined && !isSame(wanted, kept(other, can.other))) change.modifiedMs = wanted;
  const { accessedMs } = truth;
  if (can.truth.setTimes && can.other.setTimes && accessedMs !== undefined)
    if (!isSame(accessedMs, other.accessedMs)) change.accessedMs = accessedMs;
  return Object.keys(change).length > 0 ? change : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** True if one of the changes decides what is inherited by what is made below. */
export function changesAcl(changes: readonly AttributeChange[]): boolean {
  return changes.some((change) => change.acl !== undefined);
}

/** What a copy of `truth` is made with. */
export function attributesFor(truth: Entry, can: Common): Attributes {
  const attributes: Attributes = { permission: truth.permission };
  if (can.acl && truth.acl && isExtendedAcl(truth.acl)) attributes.acl = truth.acl;
  if (can.properties) {
    if (truth.content) attributes.content = truth.content;
    const properties = ownProperties(truth);
    if (Object.keys(properties).length > 0) attributes.properties = properties;
  }
  if (can.expiry && truth.expiresMs !== undefined) attributes.expiresMs = truth.expiresMs;
  return attributes;
}

function rightsChanges(truth: Entry, other: Entry, can: Common): AttributeChange[] {
  const { permission } = truth;
  const [wanted, found] = [truth.acl ?? [], other.acl ?? []];
  if (!can.acl || !(isExtendedAcl(wanted) || isExtendedAcl(found)))
    return permission === other.permission ? [] : [{ permission }];
  // A mode cannot be set beside an extended ACL on Gen2: the sticky bit of such a folder is not compared.
  if (formatAcl(sortAcl(wanted)) === formatAcl(sortAcl(found))) return [];
  const whole: AttributeChange = { acl: { mode: 'replace', entries: wanted } };
  return isExtendedAcl(wanted) ? [whole] : [whole, { permission }];
}

function ownProperties({ properties }: Entry): Record<string, string> {
  const { [mtimeProperty]: _, ...own } = properties ?? {};
  return own;
}

function sameProperties(truth: Entry, other: Entry): boolean {
  const [a, b] = [ownProperties(truth), ownProperties(other)];
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function contentKey({ content = {} }: Entry): string {
  const set = Object.entries(content as ContentHeaders).filter(
    ([name, value]) =>
      value !== '' && value !== undefined && !(name === 'contentType' && value === defaultType),
  );
  return JSON.stringify(set.sort(([a], [b]) => (a < b ? -1 : 1)));
}
