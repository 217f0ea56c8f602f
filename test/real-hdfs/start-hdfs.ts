// A real NameNode and DataNode (and HttpFS) for a test: free ports, a fresh folder, gone with the test.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeHadoopConf } from './hadoop-conf.ts';
import { hadoopJars } from './hadoop-jars.ts';

/** What a command said and how it ended. */
export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** A running cluster of one. */
export interface Hdfs {
  /** `http://127.0.0.1:PORT`, as are the others. */
  namenodeUrl: string;
  httpfsUrl?: string;
  /** `hdfs://127.0.0.1:PORT` */
  rpcUrl: string;
  /** The superuser. */
  user: string;
  /** `hadoop fs ARGS`; paths without a scheme are on this cluster. */
  fs(args: readonly string[]): Promise<CommandResult>;
  /** Any main class of the jars, such as `org.apache.hadoop.tools.DistCp`. */
  java(mainClass: string, args: readonly string[]): Promise<CommandResult>;
  stop(): Promise<void>;
}

const servers = 'org.apache.hadoop.hdfs.server';
/** How long a server may take to be ready, in milliseconds; usually 5,000, on a busy machine many times that. */
const startMs = 120_000;
const pollMs = 100;

/** Starts the servers and resolves when they answer. @throws Error with the end of the log of the one that does not */
export async function startHdfs(options: { httpfs?: boolean } = {}): Promise<Hdfs> {
  const jars = await hadoopJars();
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-hdfs-'));
  const { username: user } = userInfo();
  const [rpcPort, httpPort, httpfsPort] = await freePorts();
  const conf = await writeHadoopConf({ dir, user, rpcPort, httpPort, httpfsPort });
  const lab = createJvm(dir, `${conf}:${jars}/*`, user);
  const namenodeUrl = `http://127.0.0.1:${httpPort}`;
  const hdfs: Hdfs = {
    namenodeUrl,
    rpcUrl: `hdfs://127.0.0.1:${rpcPort}`,
    user,
    fs: (args) => lab.run('org.apache.hadoop.fs.FsShell', args),
    java: lab.run,
    stop: lab.stop,
  };
  try {
    const formatted = await lab.run(`${servers}.namenode.NameNode`, ['-format', '-nonInteractive']);
    if (formatted.code !== 0) throw new Error(`the NameNode could not be formatted:\n${formatted.stderr}`);
    await lab.serve('namenode', `${servers}.namenode.NameNode`);
    await lab.serve('datanode', `${servers}.datanode.DataNode`);
    const bean = (name: string): string => `${namenodeUrl}/jmx?qry=Hadoop:service=NameNode,name=${name}`;
    await lab.ready(bean('FSNamesystemState'), '"NumLiveDataNodes" : 1');
    await lab.ready(bean('NameNodeInfo'), '"Safemode" : ""');
    if (options.httpfs) {
      const dirs = { home: dir, config: conf, log: `${dir}/log`, temp: `${dir}/httpfs` };
      const flags = Object.entries(dirs).map(([name, path]) => `-Dhttpfs.${name}.dir=${path}`);
      await lab.serve('httpfs', 'org.apache.hadoop.fs.http.server.HttpFSServerWebServer', flags);
      hdfs.httpfsUrl = `http://127.0.0.1:${httpfsPort}`;
      await lab.ready(`${hdfs.httpfsUrl}/webhdfs/v1/?op=GETFILESTATUS&user.name=${user}`, 'FileStatus');
    }
    return hdfs;
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

interface Jvm {
  serve(name: string, mainClass: string, flags?: readonly string[]): Promise<void>;
  run(mainClass: string, args: readonly string[]): Promise<CommandResult>;
  ready(url: string, text: string): Promise<void>;
  stop(): Promise<void>;
}

function createJvm(dir: string, classPath: string, user: string): Jvm {
  const children = new Map<string, ChildProcess>();
  const env = { ...process.env, HADOOP_USER_NAME: user };
  // `--add-opens` is for the JAXB inside Jersey 1; without it every WebHDFS call is a 500 on Java 17.
  const common = ['-XX:+UseSerialGC', '--add-opens=java.base/java.lang=ALL-UNNAMED'];
  common.push('-Djava.net.preferIPv4Stack=true', '-cp', classPath);
  const killAll = (): void => {
    for (const child of children.values()) child.kill('SIGKILL');
  };
  process.once('exit', killAll);
  return {
    async serve(name, mainClass, flags = []) {
      const log = await open(join(dir, 'log', name), 'a');
      const args = [...common, '-Xmx256m', '-Dtwinlake.log=INFO,e', ...flags, mainClass];
      children.set(name, spawn('java', args, { env, stdio: ['ignore', log.fd, log.fd] }));
      await log.close();
    },
    run: (mainClass, args) =>
      new Promise((resolve) => {
        const full = [...common, '-Dtwinlake.log=ERROR,e', mainClass, ...args];
        execFile('java', full, { env, maxBuffer: 67_108_864 }, (error, stdout, stderr) => {
          const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
          resolve({ code, stdout, stderr });
        });
      }),
    async ready(url, text) {
      const untilMs = Date.now() + startMs;
      while (!(await says(url, text))) {
        const [dead] = [...children].filter(([, child]) => child.exitCode !== null);
        if (dead || Date.now() > untilMs) {
          const name = dead?.[0] ?? [...children.keys()].at(-1)!;
          const log = await readFile(join(dir, 'log', name), 'utf8');
          throw new Error(`${name} is not ready (${url}):\n${log.slice(-4000)}`);
        }
        await delay(pollMs);
      }
    },
    async stop() {
      process.removeListener('exit', killAll);
      const running = [...children.values()].filter((child) => child.exitCode === null && !child.signalCode);
      const ends = running.map((child) => once(child, 'exit'));
      killAll();
      await Promise.all(ends);
      children.clear();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function says(url: string, text: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return (await response.text()).includes(text);
  } catch {
    // Not listening yet; `ready` decides when that is an error.
    return false;
  }
}

/** Three different ports that were free a moment ago: the NameNode cannot tell which one it was given. */
async function freePorts(): Promise<[number, number, number]> {
  const listeners = [createServer(), createServer(), createServer()];
  const ports: number[] = [];
  for (const listener of listeners) {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    ports.push((listener.address() as { port: number }).port);
  }
  await Promise.all(listeners.map((listener) => new Promise((done) => listener.close(done))));
  return [ports[0]!, ports[1]!, ports[2]!];
}
