/**
 * `whoami` at work, as in CoreDNS: an empty answer to whatever is asked, and in the additional section the client's address (A or
 * AAAA of the name asked) and its port (SRV of `_udp.NAME` or `_tcp.NAME`), with TTL 0.
 */
import { addressOctets } from '../base/ip-address.ts';
import { nameFromText } from '../wire/name.ts';
import { NO_RECORDS, type ResourceRecord, responseOf } from '../wire/records.ts';
import { FLAG, NAME_SIZE_MAX, QTYPE, RCODE } from '../wire/registry.ts';
import type { Question, Resolution, Stage } from './resolution.ts';

export class WhoamiStage implements Stage {
  readonly name = 'whoami';
  readonly isPersonal = true;

  resolve(question: Question): Promise<Resolution> | undefined {
    const { asker, qname, qclass: rclass, transport } = question;
    // Nobody asks: there is nobody to tell who he is.
    if (asker === undefined) return undefined;
    const { host, port } = asker.peer();
    const address = addressOctets(host) ?? new Uint8Array(4);
    const type = address.length === 4 ? QTYPE.A : QTYPE.AAAA;
    const additional: ResourceRecord[] = [{ owner: qname, type, rclass, ttlS: 0, data: address }];
    const prefix = nameFromText(`_${transport}`)!;
    const owner = Uint8Array.from([...prefix.subarray(0, -1), ...qname]);
    // Priority and weight 0, the port, and the root as target.
    const data = Uint8Array.of(0, 0, 0, 0, port >> 8, port & 0xff, 0);
    // A name so long that nothing can stand before it does without.
    if (owner.length <= NAME_SIZE_MAX) {
      additional.push({ owner, type: QTYPE.SRV, rclass, ttlS: 0, data });
    }
    const sections = { ...NO_RECORDS, additional };
    const response = responseOf(question, { flags: FLAG.AA, rcode: RCODE.NOERROR, sections })!;
    return Promise.resolve({ ok: true, response, by: 'whoami' });
  }
}
