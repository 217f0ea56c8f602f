// Tools that move whole trees, unmodified: from a disk into the lake, and back.
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { devstoreKey } from '../../src/config/secret.ts';
import { cacheDir, installDir, installOnce, runInstaller } from '../clients/install-cache.ts';
import { account } from '../end-to-end/clients.ts';
import { hadoopJars } from '../real-hdfs/hadoop-jars.ts';
import { runTool } from './run-tool.ts';

/** One transfer: a folder on the disk, and a folder of the lake. */
export interface Transfer {
  /** `http://HOST:PORT` of the gateway. */
  url: string;
  /** An existing folder with the tree, or one that the tree is to be put into. */
  disk: string;
  /** `/lake/...`; its parent is there, and it is not yet where a tree is put into it. */
  lake: string;
  /** An empty folder. */
  scratch: string;
}

export interface BulkClient {
  name: string;
  inCi: boolean;
  install(): Promise<unknown>;
  /** Afterwards the content of `disk` stands below `lake`. */
  put(transfer: Transfer): Promise<void>;
  /** Afterwards the content of `lake` stands below `disk`. */
  get(transfer: Transfer): Promise<void>;
}

/** `hadoop distcp` of Hadoop 3.4.2, in one process. */
function distcp(scheme: 'webhdfs' | 'abfs', inCi: boolean): BulkClient {
  const host = `${account}.dfs.core.windows.net`;
  const copy = async ({ url, scratch }: Transfer, from: string, to: string): Promise<void> => {
    const { host: authority } = new URL(url);
    const settings = {
      'hadoop.tmp.dir': scratch,
      'fs.azure.abfs.endpoint': authority,
      'fs.azure.always.use.https': 'false',
      'fs.azure.account.auth.type': 'SharedKey',
      [`fs.azure.account.key.${host}`]: devstoreKey,
    };
    const options = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
    await writeFile(join(scratch, 'log4j.properties'), 'log4j.rootLogger=OFF\n');
    const flags = ['-XX:+UseSerialGC', '-Xmx1g', '-Djava.net.preferIPv4Stack=true'];
    const path = ['-cp', `${scratch}:${await hadoopJars()}/*`, 'org.apache.hadoop.tools.DistCp'];
    // Files are compared by length alone: checksums of two kinds of stores are not comparable, and the suite compares bytes.
    await runTool('java', [...flags, ...path, ...options, '-skipcrccheck', '-update', from, to], {
      HADOOP_USER_NAME: 'ann',
    });
  };
  const inLake = ({ url, lake }: Transfer): string => {
    if (scheme === 'webhdfs') return `webhdfs://${new URL(url).host}${lake}`;
    const [, filesystem, path] = /^\/([^/]+)(\/.+)$/.exec(lake)!;
    return `abfs://${filesystem}@${host}${path}`;
  };
  return {
    name: `distcp ${scheme}://`,
    inCi,
    install: hadoopJars,
    put: (transfer) => copy(transfer, `file://${transfer.disk}`, inLake(transfer)),
    async get(transfer) {
      await copy(transfer, inLake(transfer), `file://${transfer.disk}`);
      // Hadoop puts a file of checksums beside each that it writes to a disk.
      for (const name of await readdir(transfer.disk, { recursive: true }))
        if (/(^|\/)\.[^/]*\.crc$/.test(name)) await rm(join(transfer.disk, name));
    },
  };
}

/** AzCopy, with a SAS as its users have it. */
function azcopy(): BulkClient {
  const package_ = '@azure-tools/azcopy-linux@10.32.2';
  const libraries = ['libsecret-1-0', 'libgcrypt20'];
  const dir = installDir(cacheDir, 'azcopy', [package_, ...libraries]);
  const program = (where: string): string =>
    join(where, 'node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64');
  const install = async (fresh: string): Promise<void> => {
    await runInstaller('npm', ['install', '--no-audit', '--no-fund', '--prefix', fresh, package_], fresh);
    await chmod(program(fresh), 0o755);
    // It is linked with a library that a bare machine lacks; beside it, so that nothing is installed into the system.
    await runInstaller('apt-get', ['download', '-qq', ...libraries], fresh).catch(async () => {
      await runInstaller('apt-get', ['update', '-qq'], fresh);
      await runInstaller('apt-get', ['download', '-qq', ...libraries], fresh);
    });
    for (const name of await readdir(fresh))
      if (name.endsWith('.deb')) await runInstaller('dpkg', ['-x', name, 'libraries'], fresh);
  };
  const sas = (): string =>
    generateAccountSASQueryParameters(
      {
        services: AccountSASServices.parse('b').toString(),
        resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
        permissions: AccountSASPermissions.parse('rwdlacup'),
        startsOn: new Date(Date.now() - 3_600_000),
        expiresOn: new Date(Date.now() + 86_400_000),
      },
      new StorageSharedKeyCredential(account, devstoreKey),
    ).toString();
  const copy = async ({ scratch }: Transfer, direction: string, from: string, to: string): Promise<void> => {
    const known = ['--from-to', direction, '--skip-version-check', '--output-level', 'essential'];
    await runTool(program(dir), ['copy', from, to, '--recursive', ...known], {
      LD_LIBRARY_PATH: join(dir, 'libraries/usr/lib/x86_64-linux-gnu'),
      AZCOPY_LOG_LOCATION: scratch,
      AZCOPY_JOB_PLAN_LOCATION: scratch,
      AZCOPY_DISABLE_SYSLOG: 'true',
    });
  };
  const inLake = ({ url, lake }: Transfer, more = ''): string => `${url}/${account}${lake}${more}?${sas()}`;
  return {
    name: 'AzCopy',
    inCi: true,
    install: () => installOnce(dir, install),
    put: (transfer) => copy(transfer, 'LocalBlobFS', join(transfer.disk, '*'), inLake(transfer)),
    get: (transfer) => copy(transfer, 'BlobFSLocal', inLake(transfer, '/*'), transfer.disk),
  };
}

/** The Data Lake SDK for Python, its pieces in parallel. */
function pythonSdk(): BulkClient {
  const packages = ['azure-storage-file-datalake==12.26.1', 'azure-core==1.41.0'];
  const dir = installDir(cacheDir, 'python', packages);
  const script = resolve(import.meta.dirname, 'bulk_datalake.py');
  const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--target'];
  const run = ({ url, disk, lake }: Transfer, word: 'put' | 'get'): Promise<void> =>
    runTool('python3', ['-B', script, word, `${url}/${account}`, devstoreKey, disk, lake], {
      PYTHONPATH: dir,
    });
  return {
    name: 'Data Lake SDK for Python',
    inCi: true,
    install: () => installOnce(dir, (fresh) => runInstaller('python3', [...pip, fresh, ...packages], fresh)),
    put: (transfer) => run(transfer, 'put'),
    async get(transfer) {
      await mkdir(transfer.disk, { recursive: true });
      await run(transfer, 'get');
    },
  };
}

export const bulkClients: readonly BulkClient[] = [
  distcp('webhdfs', true),
  distcp('abfs', false),
  azcopy(),
  pythonSdk(),
];
