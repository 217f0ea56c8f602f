// Query parameters as Hadoop and Gen1 read them: names in any case, an empty value is no value, the first of several wins.
import { StoreError } from '../../core/store-error.ts';
import { parseQuery } from '../http.ts';

/** Typed access to the query; every reader throws StoreError `invalid` for a value that cannot be right. */
export interface Params {
  text(name: string): string | undefined;
  /** All values, in order, without empty ones. */
  all(name: string): string[];
  /** In lower case, without those whose value is empty. */
  names(): string[];
  required(name: string): string;
  /** `true` or `false` in any case. */
  flag(name: string, fallback: boolean): boolean;
  /** A whole number from `min` up to what a double holds exactly; the text `null` is no value (Hadoop's `LongParam`). */
  integer(name: string, min: number): number | undefined;
  /** Octal, 0..1777. */
  permission(name: string): number | undefined;
}

/**
 * Reads a raw query.
 * @throws StoreError `invalid` for malformed escapes
 */
export function parseParams(search: string): Params {
  const values = new Map<string, string[]>();
  for (const [name, value] of parseQuery(search)) {
    if (value === '') continue;
    const key = name.toLowerCase();
    const known = values.get(key);
    if (known) known.push(value);
    else values.set(key, [value]);
  }
  const all = (name: string): string[] => values.get(name.toLowerCase()) ?? [];
  const text = (name: string): string | undefined => all(name)[0];
  return {
    text,
    all,
    names: () => [...values.keys()],
    required: (name) => text(name) ?? wrong(name, 'it is missing'),
    flag: (name, fallback) => readFlag(name, text(name), fallback),
    integer: (name, min) => readInteger(name, text(name), min),
    permission: (name) => readPermission(name, text(name)),
  };
}

/**
 * Refuses a parameter in Hadoop's words, which its clients compare with.
 * @throws StoreError `invalid`, always
 */
export function wrong(name: string, why: string): never {
  throw StoreError.invalid(`Invalid value for webhdfs parameter "${name}": ${why}`);
}

function readFlag(name: string, value: string | undefined, fallback: boolean): boolean {
  if (value === undefined || value === 'null') return fallback;
  const lower = value.toLowerCase();
  if (lower !== 'true' && lower !== 'false') wrong(name, `'${shown(value)}' is neither true nor false`);
  return lower === 'true';
}

function readInteger(name: string, value: string | undefined, min: number): number | undefined {
  if (value === undefined || value === 'null') return undefined;
  const number = /^-?\d{1,19}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) wrong(name, `'${shown(value)}' is not a whole number in range`);
  if (number < min) wrong(name, `Invalid parameter range: ${name} = ${number} < ${min}`);
  return number;
}

function readPermission(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === 'null') return undefined;
  if (!/^[01]?[0-7]{1,3}$/.test(value))
    wrong(name, `'${shown(value)}' is not an octal number from 0 to 1777`);
  return Number.parseInt(value, 8);
}

/** At most 100 characters of what a client sent are repeated to it. */
function shown(value: string): string {
  return value.length > 100 ? `${value.slice(0, 100)}...` : value;
}
