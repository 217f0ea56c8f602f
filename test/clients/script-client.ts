// Clients that are a script in their own language: it reads where to work from stdin and prints one JSON line for each operation.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Client, Result, Where } from './client.ts';
import { installDir, installOnce, runInstaller } from './install-cache.ts';

/** The longest a client may take for all operations of one place, milliseconds: 1 MiB/s at least, and five minutes. */
const limitMs = ({ largeBytes }: Where): number => 300_000 + Math.ceil(largeBytes / 1_000);

/** What a script client is made of. */
export interface ScriptParts {
  name: string;
  protocol: Client['protocol'];
  inCi?: boolean;
  /** Exact versions, as the installer writes them; the first one is the client. */
  packages: readonly string[];
  /** File name in `python/` or `node/`. */
  script: string;
  args?: readonly string[];
}

/** A client from PyPI. */
export function pythonClient({
  name,
  protocol,
  inCi = true,
  packages,
  script,
  args = [],
}: ScriptParts): Client {
  const file = resolve(import.meta.dirname, 'python', script);
  const dirIn = (cache: string): string => installDir(cache, 'python', packages);
  return {
    name,
    version: packages[0]!.replace('==', '@'),
    protocol,
    inCi,
    install: (cache) =>
      installOnce(dirIn(cache), (dir) =>
        runInstaller(
          'python3',
          ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--target', dir, ...packages],
          dir,
        ),
      ),
    run: (where, cache) =>
      scriptResults('python3', ['-B', file, ...args], where, {
        PYTHONPATH: dirIn(cache),
        REQUESTS_CA_BUNDLE: where.caFile,
      }),
  };
}

/** A client from npm. */
export function nodeClient({
  name,
  protocol,
  inCi = true,
  packages,
  script,
  args = [],
}: ScriptParts): Client {
  const file = resolve(import.meta.dirname, 'node', script);
  const dirIn = (cache: string): string => installDir(cache, 'node', packages);
  const quietly = ['--no-audit', '--no-fund', '--save-exact'];
  return {
    name,
    version: packages[0]!,
    protocol,
    inCi,
    install: (cache) =>
      installOnce(dirIn(cache), (dir) =>
        runInstaller('npm', ['install', ...quietly, '--prefix', dir, ...packages], dir),
      ),
    run: (where, cache) =>
      scriptResults(process.execPath, [file, ...args], where, {
        TWINLAKE_CLIENT_DIR: dirIn(cache),
        NODE_EXTRA_CA_CERTS: where.caFile,
        NODE_NO_WARNINGS: '1',
      }),
  };
}

/** Runs `command`, gives it `where` and yields its lines. @throws Error with its stderr if it ends otherwise than well */
export async function* scriptResults(
  command: string,
  args: readonly string[],
  where: Where,
  env: Readonly<Record<string, string>>,
): AsyncIterable<Result> {
  // tap would have every Node process below load its modules.
  const { NODE_OPTIONS: _, ...outer } = process.env;
  const child = spawn('env', ['-u', 'NODE_OPTIONS', command, ...args], {
    env: { ...outer, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: limitMs(where),
    killSignal: 'SIGKILL',
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr = (stderr + chunk).slice(-8_000);
  });
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  child.stdin.end(JSON.stringify(where));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) yield JSON.parse(line) as Result;
    else stderr += `${line}\n`;
  }
  const [code, signal] = await ended;
  if (code !== 0) throw new Error(`${args.at(-1)} ended with ${code ?? signal}:\n${stderr}`);
}
