// Clients that write to files of their own, one after the other, and know afterwards what each may hold.
import type { Test } from 'tap';
import type { lakeFilesystem, WebhdfsClient } from '../end-to-end/clients.ts';
import type { Random } from './power-loss.ts';

/** What a client knows of one file: what it may hold (undefined: not there). */
type Holds = (string | undefined)[];

/** One client's own files: after an answer it is known what they hold, after none it is one of two things. */
export interface OwnFiles {
  holds: Map<string, Holds>;
  acked: number;
}

/** One client of each face. */
export interface Clients {
  hdfs: WebhdfsClient;
  gen2: ReturnType<typeof lakeFilesystem>;
}

/** What a write does to one file. */
interface Step {
  path: string;
  after: string | undefined;
  /** What may be seen if the write breaks off: a file is empty before its bytes come. */
  between?: string;
  ask: () => Promise<unknown>;
}

/** One random write to one of the client's own files. */
function nextWrite(
  { hdfs, gen2 }: Clients,
  files: OwnFiles,
  at: { name: string; text: string; random: Random },
): Step[] {
  const { name, text, random } = at;
  const sure = [...files.holds].filter(([, holds]) => holds.length === 1);
  const there = sure.filter(([, holds]) => holds[0] !== undefined).map(([path]) => path);
  const path = there[Math.floor(random() * there.length)];
  const kind = random();
  if (path === undefined || kind < 0.5) {
    const fresh = kind < 0.3 || path === undefined ? name : path;
    const byWebhdfs = () => hdfs.write(`/lake/${fresh}`, text);
    const byGen2 = () => gen2.getFileClient(fresh).upload(Buffer.from(text));
    return [{ path: fresh, after: text, between: '', ask: random() < 0.5 ? byWebhdfs : byGen2 }];
  }
  const held = files.holds.get(path)![0]!;
  if (kind < 0.7) return [{ path, after: held + text, ask: () => hdfs.append(`/lake/${path}`, text) }];
  if (kind < 0.85) return [{ path, after: undefined, ask: () => gen2.getFileClient(path).delete() }];
  const move = async () => {
    const { json } = await hdfs.call('PUT', `/lake/${path}`, 'RENAME', { destination: `/lake/${name}` });
    if (!json.boolean) throw new Error(`${path} was not renamed`);
  };
  return [
    { path, after: undefined, ask: move },
    { path: name, after: held, ask: async () => undefined },
  ];
}

/** Writes until it is told to stop; what is not answered may have happened. */
export async function keepWriting(
  clients: Clients,
  files: OwnFiles,
  folder: string,
  random: Random,
  stopped: () => boolean,
): Promise<void> {
  for (let i = 0; !stopped(); i++) {
    const steps = nextWrite(clients, files, { name: `${folder}/${i}`, text: `${folder} ${i}; `, random });
    const before = steps.map(({ path }) => files.holds.get(path) ?? [undefined]);
    steps.forEach(({ path, after, between = after }, n) => {
      files.holds.set(path, [...new Set([...before[n]!, between, after])]);
    });
    try {
      await steps[0]!.ask();
    } catch {
      continue;
    }
    for (const { path, after } of steps) files.holds.set(path, [after]);
    files.acked++;
  }
}

/** Every file holds what it may hold; from now on that is what it holds. */
export async function checkFiles(
  t: Test,
  hdfs: WebhdfsClient,
  files: OwnFiles,
  message: string,
): Promise<void> {
  const wrong: unknown[] = [];
  for (const [path, holds] of files.holds) {
    const found = (await hdfs.read(`/lake/${path}`))?.bytes.toString();
    if (!holds.includes(found)) wrong.push({ path, acked: holds, found });
    files.holds.set(path, [found]);
  }
  t.strictSame(wrong, [], message);
}
