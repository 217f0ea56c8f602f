// Writes the configuration of a one-node HDFS and HttpFS; each setting that is not plain says why it is there.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface HadoopConf {
  /** State of this cluster; the configuration goes into `conf` below it. */
  dir: string;
  /** Who runs the servers and may act for others. */
  user: string;
  rpcPort: number;
  httpPort: number;
  httpfsPort: number;
}

/** @returns the folder that has to be first on the class path */
export async function writeHadoopConf(options: HadoopConf): Promise<string> {
  const { dir, user, rpcPort, httpPort, httpfsPort } = options;
  const conf = join(dir, 'conf');
  // The hadoop-hdfs jar has no web applications, and a server without the folders stops at once.
  for (const name of ['hdfs', 'datanode', 'static']) {
    await mkdir(join(conf, 'webapps', name, 'WEB-INF'), { recursive: true });
  }
  for (const name of ['log', 'tmp', 'httpfs']) await mkdir(join(dir, name), { recursive: true });
  const proxies = [...new Set([user, 'twinlake'])];
  await writeXml(join(conf, 'core-site.xml'), {
    'fs.defaultFS': `hdfs://127.0.0.1:${rpcPort}`,
    'hadoop.tmp.dir': join(dir, 'tmp'),
    // HttpFS acts for its callers, and so does a gateway with `doas`.
    ...proxyUsers('hadoop', proxies),
  });
  await writeXml(join(conf, 'hdfs-site.xml'), {
    'dfs.namenode.name.dir': `file://${dir}/nn`,
    'dfs.datanode.data.dir': `file://${dir}/dn`,
    'dfs.replication': '1',
    'dfs.namenode.rpc-address': `127.0.0.1:${rpcPort}`,
    'dfs.namenode.http-address': `127.0.0.1:${httpPort}`,
    // A DataNode tells the NameNode the ports it got.
    'dfs.datanode.address': '127.0.0.1:0',
    'dfs.datanode.http.address': '127.0.0.1:0',
    'dfs.datanode.ipc.address': '127.0.0.1:0',
    // The host in the NameNode's 307.
    'dfs.datanode.hostname': '127.0.0.1',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.permissions.enabled': 'true',
    'dfs.namenode.acls.enabled': 'true',
    'dfs.namenode.xattrs.enabled': 'true',
    'dfs.namenode.safemode.extension': '0',
    // A file is closed once its last block is reported; the first look is too early, the second one comes after this (400 by default).
    'dfs.client.block.write.locateFollowingBlock.initial.delay.ms': '10',
    // Entries of one LISTSTATUS_BATCH (1,000 by default): few, so that small folders have pages too.
    'dfs.ls.limit': '5',
    // A client that creates with replication 3 could not append afterwards with one DataNode.
    'dfs.client.block.write.replace-datanode-on-failure.policy': 'NEVER',
  });
  await writeXml(join(conf, 'httpfs-site.xml'), {
    'httpfs.http.hostname': '127.0.0.1',
    'httpfs.http.port': String(httpfsPort),
    ...proxyUsers('httpfs', proxies),
  });
  await writeFile(join(conf, 'httpfs-signature.secret'), 'secret\n');
  await writeFile(
    join(conf, 'log4j.properties'),
    [
      `log4j.rootLogger=\${twinlake.log}`,
      'log4j.appender.e=org.apache.log4j.ConsoleAppender',
      'log4j.appender.e.target=System.err',
      'log4j.appender.e.layout=org.apache.log4j.SimpleLayout',
      '',
    ].join('\n'),
  );
  return conf;
}

function proxyUsers(prefix: string, users: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    users.flatMap((user) => [
      [`${prefix}.proxyuser.${user}.hosts`, '*'],
      [`${prefix}.proxyuser.${user}.groups`, '*'],
    ]),
  );
}

async function writeXml(file: string, properties: Record<string, string>): Promise<void> {
  const rows = Object.entries(properties).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  );
  await writeFile(file, `<configuration>\n${rows.join('\n')}\n</configuration>\n`);
}
