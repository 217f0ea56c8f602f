// Extended attributes: how names map to the properties of an entry (semantics B3), and how values stand in JSON and queries.
import { StoreError } from '../../core/store-error.ts';

/** On HDFS a property `K` lives in the xattr `user.twinlake.K`. */
export const propertyXattrPrefix = 'user.twinlake.';
/** Any other xattr is kept as a property of this prefix; the rest of the name is escaped to an identifier, as Gen2 wants it. */
const foreignPropertyPrefix = 'xattr_';

/** How GETXATTRS prints values. */
export type XattrEncoding = 'text' | 'hex' | 'base64';

/**
 * The property that holds an xattr.
 * @throws StoreError `invalid` unless the name is in the `user.` namespace, the only one that ordinary users have
 */
export function propertyOfXattr(name: string): string {
  if (!/^user\../.test(name))
    throw StoreError.invalid('An XAttr name must be prefixed with user, followed by a dot');
  if (name.startsWith(propertyXattrPrefix) && name.length > propertyXattrPrefix.length) {
    return name.slice(propertyXattrPrefix.length);
  }
  const escaped = [...Buffer.from(name.slice('user.'.length))].map((byte) => {
    const letter = String.fromCharCode(byte);
    return /[A-Za-z0-9]/.test(letter) ? letter : `_${byte.toString(16).padStart(2, '0')}`;
  });
  return foreignPropertyPrefix + escaped.join('');
}

/** The xattr that a property is shown as; undoes `propertyOfXattr`. */
export function xattrOfProperty(property: string): string {
  const foreign = property.startsWith(foreignPropertyPrefix);
  const escaped = property.slice(foreignPropertyPrefix.length);
  if (!foreign || !/^([A-Za-z0-9]|_[0-9a-f]{2})+$/.test(escaped)) return propertyXattrPrefix + property;
  const binary = escaped.replace(/_([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return `user.${Buffer.from(binary, 'latin1').toString('utf8')}`;
}

/** `"text"`, `0x..` or `0s..` (Hadoop's `XAttrCodec`); nothing for an empty value. */
export function encodeXattrValue(value: string, encoding: XattrEncoding): string | null {
  if (value === '') return null;
  if (encoding === 'text') return `"${value}"`;
  const bytes = Buffer.from(value);
  return encoding === 'hex' ? `0x${bytes.toString('hex')}` : `0s${bytes.toString('base64')}`;
}

/**
 * A value as text, from any of the three forms or plain.
 * @throws StoreError `invalid` for broken digits, `unsupported` for bytes that are not UTF-8: a property is text
 */
export function decodeXattrValue(value: string | null | undefined): string {
  if (value === null || value === undefined || value === '') return '';
  const form = value.slice(0, 2).toLowerCase();
  const digits = value.slice(2);
  if (form === '0x') {
    if (!/^([0-9a-f]{2})*$/i.test(digits)) throw StoreError.invalid('an XAttr value has broken hex digits');
    return textOf(Buffer.from(digits, 'hex'));
  }
  if (form === '0s') {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) throw StoreError.invalid('an XAttr value has broken base64');
    return textOf(Buffer.from(digits, 'base64'));
  }
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw StoreError.unsupported('an XAttr value must be UTF-8 text');
  }
}
