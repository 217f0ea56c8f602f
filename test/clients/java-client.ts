// Clients from Maven Central: a program in Java that says JSON lines, compiled once against Hadoop's jars.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hadoopJars } from '../real-hdfs/hadoop-jars.ts';
import type { Client } from './client.ts';
import { installDir, installOnce, runInstaller } from './install-cache.ts';
import { scriptResults } from './script-client.ts';

const sourceDir = resolve(import.meta.dirname, 'java');
const sources = ['Lab.java', 'Connection.java', 'HadoopClient.java'].map((name) => join(sourceDir, name));
/** Hadoop looks for it, and says so on stdout if there is none. */
const logging = [
  'log4j.rootLogger=ERROR,e',
  'log4j.appender.e=org.apache.log4j.ConsoleAppender',
  'log4j.appender.e.target=System.err',
  'log4j.appender.e.layout=org.apache.log4j.SimpleLayout',
].join('\n');

/** What a client of Hadoop is made of. */
export interface JavaParts {
  name: string;
  protocol: Client['protocol'];
  inCi?: boolean;
  /** What is seen as the client, `NAME@VERSION`. */
  version: string;
  mainClass: string;
  args: readonly string[];
}

/** A client of Hadoop 3.4.2. */
export function javaClient({ name, protocol, inCi = true, version, mainClass, args }: JavaParts): Client {
  const classesIn = (cache: string): string =>
    installDir(
      cache,
      'java',
      sources.map((file) => readFileSync(file, 'utf8')),
    );
  return {
    name,
    version,
    protocol,
    inCi,
    async install(cache) {
      const jars = await hadoopJars();
      await installOnce(classesIn(cache), async (dir) => {
        await runInstaller('javac', ['-cp', `${jars}/*`, '-d', dir, ...sources], dir);
        await writeFile(join(dir, 'log4j.properties'), `${logging}\n`);
      });
    },
    async *run(where, cache) {
      const classPath = `${classesIn(cache)}:${await hadoopJars()}/*`;
      const flags = ['-XX:+UseSerialGC', '-Xmx1g', '-Djava.net.preferIPv4Stack=true', '-cp', classPath];
      yield* scriptResults('java', [...flags, mainClass, ...args], where, { HADOOP_USER_NAME: where.user });
    },
  };
}
