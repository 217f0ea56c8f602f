// V8 lets garbage pile up to several times what is alive, the more memory a machine has the more; a gateway shares its machine.
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Old objects are collected when there are this many percent more than were alive the last time. */
const growthPercent = 50;
/** Room for new objects: 8 MiB, two halves. They hold on to the bytes of bodies that nobody needs any more, ten times as much. */
const youngBytes = 8_388_608;
/** How often it is looked whether V8, having had nothing to do, has given the room for new objects back, milliseconds. */
const lookMs = 1000;

/** How much room new objects have, both halves. */
function youngRoom(): number {
  return (
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? youngBytes
  );
}

/** Room for new objects grows only with what survives in it, so a little is made that does. */
function growYoung(): void {
  if (youngRoom() >= youngBytes) return;
  setFlagsFromString('--semi-space-growth-factor=2');
  const alive: unknown[] = [];
  for (let made = 0; made < youngBytes && youngRoom() < youngBytes; made += 1024) alive.push(new Array(128));
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * Keeps the heap near what is alive, whatever the machine has. To be called before anything is loaded, for the room for new objects never
 * shrinks while they are made. V8 reads these flags each time it decides, so they may be set late.
 */
export function keepHeapModest(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
  setFlagsFromString('--semi-space-growth-factor=1');
  setInterval(growYoung, lookMs).unref();
}
