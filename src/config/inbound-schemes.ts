// The ways to find out who calls that a listener can take and an app can ask for.
import type { Scheme } from '../core/store.ts';

const credentials = ['shared-key', 'sas', 'bearer', 'certificate', 'user-name'] as const;

export const inboundSchemes = ['none', ...credentials] as const satisfies readonly Scheme[];
