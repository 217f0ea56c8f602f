// The ways to find out who calls that a listener can take and an app can ask for.
import type { Scheme } from '../core/store.ts';

export const inboundSchemes = ['none', 'shared-key', 'sas'] as const satisfies readonly Scheme[];
