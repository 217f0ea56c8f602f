#!/usr/bin/env node
// The command line: `twinlake start | serve | emulate | config check`.
import { keepHeapModest } from './cli/modest-heap.ts';
import { checkNodeVersion } from './cli/node-version.ts';

// Before anything else is loaded, so that an old Node is told so instead of failing on syntax it does not know.
checkNodeVersion();
keepHeapModest();
const { run } = await import('./cli/commands.ts');
await run(process.argv);
