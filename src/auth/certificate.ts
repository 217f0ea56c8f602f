// Mutual TLS: who holds a certificate that the listener's client CA signed is the user that its common name says.
import type { Presented } from '../wire/identify.ts';
import { type Authenticator, badSignature, type Finding } from './finding.ts';

export const clientCertificate: Authenticator = ({ request }: Presented): Finding => {
  const { certificate } = request;
  if (!certificate) return undefined;
  const { trusted, commonName } = certificate;
  if (!trusted) return badSignature('the certificate is not of a CA that is trusted here');
  if (commonName === undefined) return badSignature('the certificate has no common name, or several');
  return { user: commonName, authenticated: true, scheme: 'certificate' };
};
