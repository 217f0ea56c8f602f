// Shared access signatures made with an account's key: of the account, or of one filesystem, folder or file.
import { isIPv4 } from 'node:net';
import type { Grant } from '../core/access.ts';
import { segmentsOf } from '../core/path.ts';
import {
  accountText,
  levelsOf,
  oldestSasVersion,
  parseSas,
  rightsOf,
  type Sas,
  sasTimeMs,
  serviceText,
} from '../wire/dfs/sas.ts';
import type { Presented } from '../wire/identify.ts';
import { type AccountKeys, isSignedBy } from './account-keys.ts';
import { type Authenticator, badSignature, type Finding, type Refused } from './finding.ts';

/** What signatures are checked against. */
export interface SasOptions {
  keys: AccountKeys;
  /** Clients reach this listener by https, though a proxy may end TLS before it. */
  behindHttps: boolean;
  now: () => number;
}

interface Verified {
  user: string;
  grant: Grant;
}

export function sharedAccessSignature(options: SasOptions): Authenticator {
  return ({ request, subject }: Presented): Finding => {
    if (!subject) return undefined;
    const own = verify(options, subject.account, subject.path, subject.search, request);
    if (!own || 'refused' in own) return own;
    const grants = [own.grant];
    if (subject.source) {
      const { path, search } = subject.source;
      const source = verify(options, subject.account, path, search, request);
      if (source && 'refused' in source) return source;
      if (source) grants.push(source.grant);
    }
    return { user: own.user, authenticated: true, scheme: 'sas', grants };
  };
}

function verify(
  options: SasOptions,
  account: string | undefined,
  path: string,
  search: string,
  request: Presented['request'],
): Verified | Refused | undefined {
  const sas = parseSas(search);
  if (sas === undefined) return undefined;
  if (sas === 'malformed') return badSignature('the SAS is malformed');
  const unfit = unfitness(sas);
  if (unfit) return badSignature(unfit);
  const accounts = account === undefined ? [...options.keys.keys()] : [account];
  const found = accounts.map((name) => signerOf(options, sas, name, path)).find((each) => each);
  if (!found) return badSignature('the signature is not right');
  return outOfTime(sas, options.now()) ?? outOfPlace(sas, options, request) ?? found;
}

/** What no signature can make good. */
function unfitness(sas: Sas): string | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(sas('sv')) || sas('sv') < oldestSasVersion)
    return `only SAS of version ${oldestSasVersion} or newer are taken`;
  if (sas('si') !== '') return 'stored access policies are not known here';
  if (sas('skoid') !== '') return 'user delegation keys are not known here';
  if (sas('srh') !== '' || sas('srq') !== '') return 'a SAS bound to headers or parameters is not known here';
  return undefined;
}

function signerOf(options: SasOptions, sas: Sas, account: string, path: string): Verified | undefined {
  const keys = options.keys.get(account) ?? [];
  const signature = sas('sig');
  if (sas('ss') !== '') {
    const text = accountText(sas, account);
    if (!keys.some((key) => isSignedBy(key, text, signature))) return undefined;
    return { user: account, grant: { rights: rightsOf(sas), levels: levelsOf(sas) } };
  }
  const scope = scopeOf(sas, path);
  if (!scope) return undefined;
  const text = serviceText(sas, account, scope.within[0]!);
  if (!keys.some((key) => isSignedBy(key, text, signature))) return undefined;
  return { user: account, grant: { rights: rightsOf(sas), ...scope } };
}

/** The filesystem, folder or file that a SAS of this kind is about, if it is one for this path. */
function scopeOf(sas: Sas, path: string): (Grant & { within: string[] }) | undefined {
  const segments = segmentsOf(path);
  if (segments.length === 0) return undefined;
  const root = (depth: number): string[] => [`/${segments.slice(0, depth).join('/')}`];
  const inside = new Set(['listing', 'object'] as const);
  if (sas('sr') === 'c') return { within: root(1), levels: inside };
  if (sas('sr') === 'b') return { within: [path], exact: true, levels: new Set(['object']) };
  if (sas('sr') !== 'd' || !/^\d{1,4}$/.test(sas('sdd'))) return undefined;
  const depth = Number(sas('sdd'));
  return depth > 0 && depth < segments.length ? { within: root(depth + 1), levels: inside } : undefined;
}

function outOfTime(sas: Sas, nowMs: number): Refused | undefined {
  const isOver = (end: string): boolean => !(nowMs < sasTimeMs(sas(end)));
  const isAhead = (start: string): boolean => sas(start) !== '' && !(nowMs >= sasTimeMs(sas(start)));
  if (isOver('se') || isAhead('st')) return badSignature('the SAS is not valid now', 'expired-credential');
  return undefined;
}

function outOfPlace(sas: Sas, options: SasOptions, request: Presented['request']): Refused | undefined {
  const mismatch = (code: string, message: string): Refused => ({ ...badSignature(message), code });
  if (sas('ss') !== '' && !sas('ss').includes('b'))
    return mismatch('AuthorizationServiceMismatch', 'the SAS is for another service');
  const allowsHttp = sas('spr') === '' || sas('spr').split(',').includes('http');
  if (!allowsHttp && request.scheme !== 'https' && !options.behindHttps)
    return mismatch('AuthorizationProtocolMismatch', 'the SAS is for https only');
  if (sas('sip') !== '' && !isInRange(request.peer, sas('sip')))
    return mismatch('AuthorizationSourceIPMismatch', 'the SAS is for other addresses');
  return undefined;
}

/** `a` or `a-b`, IPv4 as in the service. */
function isInRange(peer: string | undefined, range: string): boolean {
  const [from = '', to = from] = range.split('-');
  const address = peer?.replace(/^::ffff:/, '') ?? '';
  if (![from, to, address].every((each) => isIPv4(each))) return false;
  const [low, high, here] = [from, to, address].map((each) =>
    each.split('.').reduce((sum, part) => sum * 256 + Number(part), 0),
  );
  return low! <= here! && here! <= high!;
}
