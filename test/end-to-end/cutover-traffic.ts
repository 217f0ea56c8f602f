// Clients that write and read without pause, each judging for itself that it reads what was written last.
import { createHash } from 'node:crypto';
import type { lakeFilesystem, WebhdfsClient } from './clients.ts';
import { sdkRead } from './clients.ts';

/** One read and when it could know which side to ask. */
export interface SeenRead {
  path: string;
  servedBy: string | null | undefined;
  /** The path's last write had not begun before this, nor had the read. */
  plannedMs: number;
  endedMs: number;
}

/** A client: one round is a few writes and reads. Rejects if a request fails or a read is wrong. */
export interface TrafficClient {
  name: string;
  round(n: number): Promise<SeenRead[]>;
}

/** Clients at work. */
export interface Traffic {
  reads: SeenRead[];
  /** Resolves when every client has ended `count` more rounds; rejects with the first failure of any. */
  rounds(count: number): Promise<void>;
  /** Lets rounds under way end. */
  stop(): Promise<void>;
}

/** Starts all clients. */
export function startTraffic(clients: readonly TrafficClient[]): Traffic {
  const reads: SeenRead[] = [];
  const done = new Map(clients.map((client) => [client.name, 0]));
  let stopped = false;
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  const loops = clients.map(async (client) => {
    for (let n = 1; !stopped && !failure; n++) {
      try {
        reads.push(...(await client.round(n)));
      } catch (error) {
        failure ??= new Error(`${client.name}, round ${n}: ${String(error)}`, { cause: error });
      }
      done.set(client.name, n);
      wake();
    }
  });
  return {
    reads,
    async rounds(count) {
      // The round under way began before the call: it does not count.
      const goals = new Map([...done].map(([name, n]) => [name, n + count + 1]));
      while (!failure && [...goals].some(([name, goal]) => done.get(name)! < goal)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure) throw failure;
    },
    async stop() {
      stopped = true;
      await Promise.all(loops);
      if (failure) throw failure;
    },
  };
}

/** How a client writes and reads whole files. Paths are without the mount's root. */
export interface Tool {
  write(path: string, data: Buffer): Promise<unknown>;
  read(path: string): Promise<{ bytes: Buffer; servedBy?: string | null | undefined } | undefined>;
  /** Names and lengths of a folder. */
  list(folder: string): Promise<Map<string, number>>;
}

/** Two-step WebHDFS. */
export function webhdfsTool(client: WebhdfsClient): Tool {
  return {
    write: (path, data) => client.write(`/lake/${path}`, data),
    read: (path) => client.read(`/lake/${path}`),
    async list(folder) {
      const { json } = await client.call('GET', `/lake/${folder}`, 'LISTSTATUS');
      type Status = { pathSuffix: string; length: number };
      return new Map(json.FileStatuses.FileStatus.map((each: Status) => [each.pathSuffix, each.length]));
    },
  };
}

/** Azure's SDK: create, append, flush. */
export function sdkTool(lake: ReturnType<typeof lakeFilesystem>): Tool {
  return {
    write: (path, data) => lake.getFileClient(path).upload(data),
    read: (path) => sdkRead(lake, path),
    async list(folder) {
      const names = new Map<string, number>();
      for await (const item of lake.listPaths({ path: folder }))
        names.set(item.name!.slice(folder.length + 1), Number(item.contentLength ?? 0));
      return names;
    },
  };
}

/** The npm package `webhdfs`, which knows nothing of the gateway's headers. */
export async function npmTool(url: string): Promise<Tool> {
  // @ts-expect-error No types come with it.
  const { default: WebHDFS } = await import('webhdfs');
  const { hostname: host, port } = new URL(url);
  const client = WebHDFS.createClient({ user: 'ann', host, port, path: '/webhdfs/v1' });
  const call = <T>(method: string, ...args: unknown[]): Promise<T> =>
    new Promise((resolve, reject) => {
      client[method](...args, (error: Error | null, value: T) => (error ? reject(error) : resolve(value)));
    });
  return {
    write: (path, data) => call('writeFile', `/lake/${path}`, data),
    read: async (path) => ({ bytes: Buffer.from(await call<string | Buffer>('readFile', `/lake/${path}`)) }),
    async list(folder) {
      const statuses = await call<{ pathSuffix: string; length: number }[]>('readdir', `/lake/${folder}`);
      return new Map(statuses.map((each) => [each.pathSuffix, each.length]));
    },
  };
}

/** Text bytes of 1 to 20,000, so that every client can compare them. */
export function contentOf(name: string, n: number): Buffer {
  const digest = createHash('sha256').update(`${name} ${n}`).digest();
  const length = 1 + (digest.readUInt32BE(0) % 20_000);
  return Buffer.alloc(length, `${name} ${n} ${digest.toString('hex')}\n`);
}

async function judgedRead(tool: Tool, path: string, expected: Buffer, wroteMs?: number): Promise<SeenRead> {
  const beganMs = performance.now();
  const read = await tool.read(path);
  if (!read) throw new Error(`${path} is not there`);
  if (!read.bytes.equals(expected)) {
    const [found, wanted] = [read.bytes, expected].map(
      (bytes) => `${bytes.length} ${bytes.toString().slice(0, 30)}`,
    );
    throw new Error(`${path}, served by ${read.servedBy}: '${found}' instead of '${wanted}'`);
  }
  return { path, servedBy: read.servedBy, plannedMs: wroteMs ?? beganMs, endedMs: performance.now() };
}

/** Writes files of its own, in turns, and reads each at once; lists its folder. */
export function ownPathsClient(name: string, tool: Tool): TrafficClient {
  return {
    name,
    async round(n) {
      const path = `own/${name}/file-${n % 3}`;
      const data = contentOf(name, n);
      const wroteMs = performance.now();
      await tool.write(path, data);
      const read = await judgedRead(tool, path, data, wroteMs);
      const listed = (await tool.list(`own/${name}`)).get(`file-${n % 3}`);
      if (listed !== data.length)
        throw new Error(`${path} is listed with ${listed} instead of ${data.length} bytes`);
      return [read];
    },
  };
}

/** Two clients of different protocols take turns on one path: what one has written, both read at once. */
export function sharedPathClient(name: string, tools: readonly [Tool, Tool]): TrafficClient {
  return {
    name,
    async round(n) {
      const path = `shared/${name}`;
      const data = contentOf(name, n);
      const wroteMs = performance.now();
      await tools[n % 2]!.write(path, data);
      return Promise.all(tools.map((tool) => judgedRead(tool, path, data, wroteMs)));
    },
  };
}

/** Reads files that nobody writes. */
export function quietPathsClient(
  name: string,
  tool: Tool,
  files: ReadonlyMap<string, Buffer>,
): TrafficClient {
  const paths = [...files.keys()];
  return {
    name,
    async round(n) {
      const path = paths[n % paths.length]!;
      return [await judgedRead(tool, path, files.get(path)!)];
    },
  };
}
