// The jars of Hadoop 3.4.2 from Maven Central, fetched once into the cache of the clients.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir, installDir, installOnce, runInstaller } from '../clients/install-cache.ts';

const pom = join(import.meta.dirname, 'pom.xml');

/** The folder with some 150 jars (80 MB); asks Maven only if it is not there. */
export async function hadoopJars(): Promise<string> {
  const jars = installDir(cacheDir, 'hadoop', [await readFile(pom, 'utf8')]);
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
  await installOnce(jars, (dir) =>
    runInstaller('mvn', ['-q', '-B', '-f', pom, ...goal, `-DoutputDirectory=${dir}`], dir),
  );
  return jars;
}
