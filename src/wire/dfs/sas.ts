// Shared access signatures: their parameters, and the text that each kind and version signs (Gen2 reference §5). Pure.
import type { Level, Right } from '../../core/access.ts';

/** Oldest version that is taken: the first in which the kind of resource is signed. */
export const oldestSasVersion = '2018-11-09';

/** Every parameter that belongs to a SAS and to nothing else. */
export const sasNames: ReadonlySet<string> = new Set([
  ...['sv', 'ss', 'srt', 'sp', 'se', 'st', 'spr', 'sip', 'sr', 'si', 'sig', 'sdd', 'ses'],
  ...['skoid', 'sktid', 'skt', 'ske', 'sks', 'skv', 'saoid', 'suoid', 'scid', 'sduoid', 'skdutid'],
  ...['srh', 'srq', 'rscc', 'rscd', 'rsce', 'rscl', 'rsct'],
]);

/** What a SAS says of itself; a parameter that is missing is ''. */
export type Sas = (name: string) => string;

/**
 * The SAS in a raw query; undefined if there is none, `malformed` if it could be read in two ways: a parameter that is repeated, or one
 * that holds the line break which the signed text is divided by.
 */
export function parseSas(search: string): Sas | 'malformed' | undefined {
  const values = new Map<string, string>();
  let repeated = false;
  try {
    for (const pair of search.split('&')) {
      const mark = pair.indexOf('=');
      const name = decodeURIComponent(mark === -1 ? pair : pair.slice(0, mark)).toLowerCase();
      if (!sasNames.has(name)) continue;
      repeated ||= values.has(name);
      // `+` stays a plus, as it does in signatures of base64 that nobody escaped.
      values.set(name, mark === -1 ? '' : decodeURIComponent(pair.slice(mark + 1)));
    }
  } catch {
    return 'malformed';
  }
  if (!values.has('sig')) return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (repeated || [...values.values()].some((value) => /[\x00-\x1f]/.test(value))) return 'malformed';
  return (name) => values.get(name) ?? '';
}

/** What is signed, if this is the account's SAS. */
export function accountText(sas: Sas, account: string): string {
  const scope = sas('sv') >= '2020-12-06' ? [sas('ses')] : [];
  const named = ['sp', 'ss', 'srt', 'st', 'se', 'sip', 'spr', 'sv'].map(sas);
  return [account, ...named, ...scope, ''].join('\n');
}

/**
 * What is signed, if this is a SAS of one filesystem, folder or file, made with the account's key.
 * @param resource `/filesystem[/path]` that the signature is about
 */
export function serviceText(sas: Sas, account: string, resource: string): string {
  // Between `sr` and the encryption scope stands the time of a snapshot, which nothing here has.
  const scope = sas('sv') >= '2020-12-06' ? [sas('ses')] : [];
  return [
    ...['sp', 'st', 'se'].map(sas),
    `/blob/${account}${resource}`,
    ...['si', 'sip', 'spr', 'sv', 'sr'].map(sas),
    '',
    ...scope,
    ...['rscc', 'rscd', 'rsce', 'rscl', 'rsct'].map(sas),
  ].join('\n');
}

const rightOf: Record<string, Right> = {
  r: 'read',
  a: 'add',
  c: 'create',
  w: 'write',
  d: 'delete',
  l: 'list',
  m: 'move',
  e: 'execute',
  o: 'ownership',
  p: 'permissions',
};

/** The rights of a SAS. An account's has no letter for moving, and uses `p` for queues. */
export function rightsOf(sas: Sas): ReadonlySet<Right> {
  const letters = [...sas('sp')];
  if (sas('ss') === '') return new Set(letters.flatMap((letter) => rightOf[letter] ?? []));
  const own = letters.filter((letter) => 'racwdl'.includes(letter)).map((letter) => rightOf[letter]!);
  return new Set(own.includes('delete') ? [...own, 'move'] : own);
}

const levelsOfType: Record<string, readonly Level[]> = {
  s: ['service'],
  c: ['filesystem', 'listing'],
  o: ['object'],
};

/** What kinds of resources an account's SAS is for. */
export function levelsOf(sas: Sas): ReadonlySet<Level> {
  return new Set([...sas('srt')].flatMap((letter) => levelsOfType[letter] ?? []));
}

/** Epoch milliseconds of a SAS time; NaN if it is none. */
export function sasTimeMs(text: string): number {
  return /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
}
