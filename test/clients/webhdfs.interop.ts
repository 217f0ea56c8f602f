// Unmodified clients of WebHDFS: client × operation × primary.
import t from 'tap';
import { runClients } from './run-clients.ts';

t.setTimeout(7_200_000);
runClients(t, 'webhdfs');
