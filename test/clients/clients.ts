// Every client of the matrix; the order is the order of the columns.
import type { Client } from './client.ts';
import { javaClient } from './java-client.ts';
import { nodeClient, pythonClient } from './script-client.ts';

export const clients: readonly Client[] = [
  pythonClient({
    name: 'azure-datalake-store',
    protocol: 'gen1',
    packages: ['azure-datalake-store==1.0.1', 'azure-core==1.41.0', 'requests==2.34.2'],
    script: 'gen1_datalake_store.py',
  }),
  nodeClient({
    name: 'azure-arm-datalake-store',
    protocol: 'gen1',
    packages: ['azure-arm-datalake-store@3.1.2-preview'],
    script: 'gen1-arm-datalake-store.ts',
  }),
  javaClient({
    name: 'Hadoop adl://',
    protocol: 'gen1',
    inCi: false,
    version: 'hadoop-azure-datalake@3.4.2',
    mainClass: 'HadoopClient',
    args: ['adl'],
  }),
  pythonClient({
    name: 'HdfsCLI',
    protocol: 'webhdfs',
    packages: ['hdfs==2.7.3'],
    script: 'webhdfs_hdfscli.py',
  }),
  pythonClient({
    name: 'fsspec webhdfs',
    protocol: 'webhdfs',
    packages: ['fsspec==2026.9.0', 'requests==2.34.2'],
    script: 'webhdfs_fsspec.py',
  }),
  javaClient({
    name: 'Hadoop webhdfs://',
    protocol: 'webhdfs',
    version: 'hadoop-hdfs-client@3.4.2',
    mainClass: 'HadoopClient',
    args: ['webhdfs'],
  }),
  pythonClient({
    name: 'Data Lake SDK for Python',
    protocol: 'gen2',
    packages: ['azure-storage-file-datalake==12.26.1', 'azure-storage-blob==12.31.1', 'azure-core==1.41.0'],
    script: 'gen2_datalake.py',
  }),
  javaClient({
    name: 'Hadoop abfs://',
    protocol: 'gen2',
    version: 'hadoop-azure@3.4.2',
    mainClass: 'HadoopClient',
    args: ['abfs'],
  }),
  pythonClient({
    name: 'Blob SDK for Python',
    protocol: 'gen2',
    packages: ['azure-storage-blob==12.31.1', 'azure-core==1.41.0'],
    script: 'gen2_blob.py',
  }),
  ...['azdls', 'azblob'].map((service) =>
    pythonClient({
      name: `OpenDAL ${service}`,
      protocol: 'gen2',
      packages: ['opendal==0.47.12'],
      script: 'gen2_opendal.py',
      args: [service],
    }),
  ),
];
