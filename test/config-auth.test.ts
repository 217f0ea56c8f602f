// What may be said of callers in both config files, and what is refused, with its place.
import t from 'tap';
import { parseGatewayConfig } from '../src/config/gateway-config.ts';
import { parseRoutes } from '../src/config/routes.ts';
import { refusal } from './config-refusal.ts';

/** References, as they stand in a file. */
const [good, odd] = ['KEY', 'ODD'].map((name) => `"\${env:${name}}"`);
const gateway = (auth: string) =>
  parseGatewayConfig(
    `state: { dir: state }\nstores: { source: { type: memory }, target: { type: memory } }\nlisten:\n  data:\n    auth: ${auth}\n`,
    { file: 'gateway.yaml', dir: '/', env: { KEY: 'a2V5', ODD: 'no base64!' } },
  );
const routes = (access: string) =>
  parseRoutes(
    `mounts: [{ source: /old, target: /lake }]\napps:\n  a: { reads: source, writes: both, access: ${access} }\n`,
    { file: 'routes.yaml' },
  );

t.test('a listener says how callers may prove who they are', (t) => {
  const { auth } = gateway('{}').listen.data;
  t.match(auth, { schemes: ['none'], accounts: {} }, 'by default nobody is asked');
  const signed = gateway(`{ schemes: [sas], accounts: { acct: { key1: ${good} } } }`).listen.data.auth;
  t.equal(signed.accounts.acct?.key1.reveal(), 'a2V5');
  t.equal(JSON.stringify(signed).includes('a2V5'), false, 'a key is never printed');
  const refused = (text: string) => refusal(() => gateway(text));
  t.match(refused('{ schemes: [bearer] }'), /bearer needs the key `bearer`/);
  t.match(refused('{ schemes: [certificate] }'), /certificate needs `listen\.data\.tls\.clientCaFile`/);
  const bearer = (jwksUrl: string) => `{ bearer: { issuers: [x], jwksUrl: "${jwksUrl}" } }`;
  t.equal(refused(bearer('https://login.example/keys')), '');
  t.equal(refused(bearer('http://127.0.0.1:1/keys')), '');
  for (const url of ['http://login.example/keys', 'http://127.0.0.1.example/keys', 'https://u@x/keys', 'x'])
    t.match(refused(bearer(url)), /must be an https URL/, url);
  for (const network of ['10.0.0.0/33', '10.0.0', '::1/129', 'host', '10.0.0.0/'])
    t.match(refused(`{ userNames: { networks: ["${network}"] } }`), /is no address and no network/, network);
  t.equal(refused('{ userNames: { networks: [10.0.0.0/8, "fd00::/8", 192.168.0.1] } }'), '');
  t.match(refused('{ schemes: [shared-key] }'), /gateway\.yaml:5:\d+: .*shared-key needs an account/);
  t.match(refused('{ schemes: [] }'), /must not be an empty list/);
  t.match(refused('{ schemes: [kerberos] }'), /one of none, shared-key, sas, bearer/);
  t.match(refused(`{ accounts: { UPPER: { key1: ${good} } } }`), /'UPPER' is no account name/);
  t.match(refused('{ accounts: { acct: { key1: a2V5 } } }'), /a secret must not stand in this file/);
  const bad = refused(`{ accounts: { acct: { key1: ${good}, key2: ${odd} } } }`);
  t.match(bad, /5:59: the key is not base64/);
  t.notMatch(bad, /no base64!/);
  t.end();
});

t.test('tokens of callers can only be sent on where callers have tokens', (t) => {
  const withTarget = (schemes: string) =>
    parseGatewayConfig(
      `state: { dir: state }
stores: { source: { type: memory }, target: { type: adls-gen2, url: "https://a.b", identity: { forwardCallers: true } } }
listen: { data: { auth: { schemes: [${schemes}], bearer: { issuers: [x], jwksUrl: "https://login.example/keys" } } } }
`,
      { file: 'gateway.yaml', dir: '/', env: {} },
    );
  t.match(
    refusal(() => withTarget('none')),
    /gateway\.yaml:2:\d+: needs `bearer` in `listen\.data\.auth\.schemes`/,
  );
  t.equal(
    refusal(() => withTarget('bearer')),
    '',
  );
  t.end();
});

t.test('an app says what its callers may do', (t) => {
  const access = (text: string) => routes(text).routes.get('a')!.access;
  t.strictSame(access('{}'), { readOnly: false });
  t.strictSame(access('{ paths: [/lake/in/, /lake//x], readOnly: true, schemes: [sas] }'), {
    readOnly: true,
    schemes: ['sas'],
    paths: ['/lake/in', '/lake/x'],
  });
  t.not(routes('{}').digest, routes('{ readOnly: true }').digest, 'it is part of what a table means');
  t.not(routes('{ paths: [/lake/a] }').digest, routes('{ paths: [/lake/b] }').digest);
  const refused = (text: string) => refusal(() => routes(text));
  t.match(refused('{ readOnly: "yes" }'), /must be true or false/);
  t.match(refused('{ paths: [] }'), /must not be an empty list/);
  t.match(refused('{ paths: [/old/in] }'), /'\/old\/in' lies in no mount of the app, seen from the target/);
  t.match(refused('{ paths: [/] }'), /lies in no mount/);
  t.match(refused('{ paths: [lake] }'), /must begin with \//);
  t.match(refused('{ paths: [/lake/../x] }'), /is no path/);
  t.match(refused('{ schemes: [kerberos] }'), /one of none/);
  t.end();
});
