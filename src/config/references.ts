// `${env:NAME}` and `${file:PATH}` in the texts of gateway.yaml: how credentials get in without standing there.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { KeyPath } from './config-error.ts';

/** Largest file that `${file:...}` takes in, bytes: a credential, not a document. */
const maxReferencedBytes = 65_536;

const reference = /\$\{([^}]*)\}/g;

/** Where references are looked up. */
export interface ReferenceSources {
  env: Readonly<Record<string, string | undefined>>;
  /** Relative files are looked up here. */
  dir: string;
}

/** What came of a value's references. */
export interface Expanded {
  value: unknown;
  /** Keys whose text had a reference, and whether it was nothing else; joined with NUL. */
  referenced: Map<string, 'whole' | 'part'>;
  problems: { path: KeyPath; reason: string }[];
}

/** How `Expanded.referenced` names a key. */
export function referenceKey(path: KeyPath): string {
  return path.join('\0');
}

/** The value with all references of all its texts replaced. Problems never show what a reference stands for. */
export function expandReferences(value: unknown, sources: ReferenceSources): Expanded {
  const expanded: Expanded = { value: undefined, referenced: new Map(), problems: [] };
  const visit = (item: unknown, path: KeyPath): unknown => {
    if (Array.isArray(item)) return item.map((each, i) => visit(each, [...path, i]));
    if (typeof item === 'object' && item !== null) {
      return Object.fromEntries(
        Object.entries(item).map(([name, each]) => [name, visit(each, [...path, name])]),
      );
    }
    if (typeof item !== 'string' || !item.includes('${')) return item;
    expanded.referenced.set(referenceKey(path), /^\$\{[^}]*\}$/.test(item) ? 'whole' : 'part');
    return item.replace(reference, (_, name: string) => {
      const found = lookUp(name, sources);
      if ('reason' in found) expanded.problems.push({ path, reason: found.reason });
      return 'text' in found ? found.text : '';
    });
  };
  expanded.value = visit(value, []);
  return expanded;
}

function lookUp(name: string, { env, dir }: ReferenceSources): { text: string } | { reason: string } {
  if (name.startsWith('env:')) {
    const text = env[name.slice(4)];
    if (text) return { text };
    return { reason: `the environment variable ${name.slice(4)} is not set` };
  }
  if (!name.startsWith('file:'))
    return { reason: `\${${name}} is no reference: write \${env:NAME} or \${file:PATH}` };
  const file = resolve(dir, name.slice(5));
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (text === '') return { reason: `the file ${file} is empty` };
    if (text.length > maxReferencedBytes)
      return { reason: `the file ${file} is longer than ${maxReferencedBytes} bytes` };
    return { text };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { reason: `the file ${file} cannot be read (${code})` };
  }
}
