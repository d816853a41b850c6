/** Installs interception with the backend of its first argument, and prints what failed as JSON. */
import { chooseInterception } from '../../../src/host/choice.ts';
import { failureText } from '../../../src/host/failure.ts';
import type { InterceptionBackend } from '../../../src/host/interception.ts';

const interception = await chooseInterception({
  backend: process.argv[2] as InterceptionBackend,
  addresses: ['169.254.20.10'],
  standByAddresses: [],
  dnsPort: 53,
  healthPort: 8080,
});
const failures = await interception.install();
const renewal = await interception.renew();
process.stdout.write(
  JSON.stringify({
    kind: interception.kind,
    reason: interception.reason,
    install: failures.map(failureText),
    renewal: renewal && failureText(renewal),
  }),
);
