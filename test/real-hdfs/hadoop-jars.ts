// The jars of Hadoop 3.4.2 from Maven Central, fetched once into node_modules/.cache.
import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cacheDir = join(import.meta.dirname, '../../node_modules/.cache/twinlake-hadoop');

/** The folder with some 150 jars (80 MB); asks Maven only if it is not there. */
export async function hadoopJars(): Promise<string> {
  const jars = join(cacheDir, 'lib-3.4.2');
  if (await hasJars(jars)) return jars;
  await mkdir(cacheDir, { recursive: true });
  // Several test processes may fetch at once: the first whole folder is the one that stays.
  const fetched = `${jars}.${process.pid}`;
  const pom = join(import.meta.dirname, 'pom.xml');
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fetched}`];
  await run('mvn', ['-q', '-B', '-f', pom, ...goal], { maxBuffer: 16_777_216 });
  try {
    await rename(fetched, jars);
  } catch (error) {
    await rm(fetched, { recursive: true, force: true });
    if (!(await hasJars(jars))) throw error;
  }
  return jars;
}

async function hasJars(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.some((name) => name.startsWith('hadoop-hdfs-'));
}
