// V8 lets garbage pile up to several times what is alive, the more memory a machine has the more; a gateway shares its machine.
import { setFlagsFromString } from 'node:v8';

/** Old objects are collected when there are this many percent more than were alive the last time. */
const growthPercent = 25;

/**
 * Keeps the heap near what is alive, whatever the machine has. To be called when everything is loaded: new objects keep the room
 * that they have by then (some 32 MiB), which loading needs too. Both flags are read by V8 each time it decides, so they may be set late.
 */
export function keepHeapModest(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
  setFlagsFromString('--semi-space-growth-factor=1');
}
