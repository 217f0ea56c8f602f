// A credential that cannot be printed by accident: logs, JSON and error messages show `[secret]`.
import { inspect } from 'node:util';

/** A credential; the text is had only by asking for it. */
export interface Secret {
  reveal(): string;
}

const shown = '[secret]';

export function secretOf(text: string): Secret {
  const secret = {
    reveal: () => text,
    toString: () => shown,
    toJSON: () => shown,
    [inspect.custom]: () => shown,
  };
  return Object.freeze(secret);
}

/**
 * The account key that every Azure storage emulator uses; public, documented by Microsoft, worth nothing.
 * Written as `key: devstore`.
 */
export const devstoreKey =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
