// Unmodified clients of Data Lake Store Gen1: client × operation × primary.
import t from 'tap';
import { runClients } from './run-clients.ts';

t.setTimeout(7_200_000);
runClients(t, 'gen1');
