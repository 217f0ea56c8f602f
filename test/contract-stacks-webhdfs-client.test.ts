// The contract suite as a WebHDFS client sees the whole: client → face → gateway → clients → faces → memory.
import t from 'tap';
import { gatewayContract } from './stacks/gateway-contract.ts';
import { clientOfGateway } from './stacks/gateway-stacks.ts';
import { noHadoopFacts, noJoiningAnew } from './stacks/left-out.ts';

t.setTimeout(120_000);

gatewayContract(t, {
  name: 'webhdfs client → face → gateway over webhdfs and gen2',
  speaks: 'source',
  hasFace: true,
  open: (t, options) => clientOfGateway(t, 'webhdfs', options),
  without: { source: noJoiningAnew, target: [...noHadoopFacts, ...noJoiningAnew] },
});
