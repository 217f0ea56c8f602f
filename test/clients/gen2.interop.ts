// Unmodified clients of Data Lake Storage Gen2 and Blob: client × operation × primary.
import t from 'tap';
import { runClients } from './run-clients.ts';

t.setTimeout(7_200_000);
runClients(t, 'gen2');
