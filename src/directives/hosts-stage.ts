/**
 * `hosts` at work, as in CoreDNS: A, AAAA and PTR out of the file and the Corefile's own lines. A name that is there has an empty
 * answer for other types; one that is not goes on where `fallthrough` says so, else it gets SERVFAIL: there is no SOA to deny it with.
 */
import type { Log } from '../base/log.ts';
import { lowerName, nameFromText } from '../wire/name.ts';
import type { Octets } from '../wire/octets.ts';
import { NO_RECORDS, type ResourceRecord, responseOf } from '../wire/records.ts';
import { FLAG, QCLASS, QTYPE, RCODE } from '../wire/registry.ts';
import { addressOfReverseName } from '../wire/reverse-name.ts';
import { zoneMatcher } from './fallthrough.ts';
import type { HostsOptions } from './hosts.ts';
import { HostsTable } from './hosts-table.ts';
import { fileFailureText, PolledFile } from './polled-file.ts';
import type { Next, Question, Resolution, Stage } from './resolution.ts';

export interface HostsDependencies {
  readonly log: Log;
  /** The file was read: entries of it and of the Corefile together, and the file's time (wall clock). */
  readonly onLoad: (entryCount: number, changedAtMs: number) => void;
}

export class HostsStage implements Stage {
  readonly name = 'hosts';
  readonly #options: HostsOptions;
  readonly #inline: HostsTable;
  readonly #file: PolledFile;
  readonly #isInZones: (qname: Octets) => boolean;
  readonly #fallsThrough: (qname: Octets) => boolean;
  #table = new HostsTable();

  constructor(options: HostsOptions, { log, onLoad }: HostsDependencies) {
    this.#options = options;
    this.#isInZones = zoneMatcher(options.zones);
    this.#fallsThrough = zoneMatcher(options.fallthrough);
    this.#inline = new HostsTable().add(options.inline.join('\n'), options);
    const { path } = options;
    this.#file = new PolledFile({
      path,
      intervalMs: options.reloadMs,
      onText: (text, changedAtMs) => {
        this.#table = new HostsTable().add(text, options);
        onLoad(this.#table.entryCount + this.#inline.entryCount, changedAtMs);
      },
      onFailure: (failure) => log.warn(`hosts file ${path}: ${fileFailureText(failure)}`),
    });
  }

  resolve(question: Question, next: Next): Promise<Resolution> | undefined {
    const { qname, qtype } = question;
    if (question.qclass !== QCLASS.IN) return undefined;
    // Reverse zones need not be named.
    if (qtype !== QTYPE.PTR && !this.#isInZones(qname)) return undefined;
    const answer = this.#answer(qname, qtype);
    if (answer.length > 0) return this.#reply(question, answer);
    if (qtype === QTYPE.PTR) return undefined;
    const isHere = this.#addresses(qname, 4).length + this.#addresses(qname, 16).length > 0;
    const passesType = this.#options.passesOtherTypes && !isAddressType(qtype);
    if ((!isHere || passesType) && this.#fallsThrough(qname)) return next(question);
    if (isHere) return this.#reply(question, []);
    return Promise.resolve({ ok: false, rcode: RCODE.SERVFAIL, reason: undefined });
  }

  close(): void {
    this.#file.close();
  }

  #answer(owner: Octets, type: number): ResourceRecord[] {
    const fields = { owner, type, rclass: QCLASS.IN, ttlS: this.#options.ttlS };
    if (type === QTYPE.A || type === QTYPE.AAAA) {
      const size = type === QTYPE.A ? 4 : 16;
      return this.#addresses(owner, size).map((data) => ({ ...fields, data }));
    }
    const address = type === QTYPE.PTR ? addressOfReverseName(owner) : undefined;
    if (address === undefined) return [];
    const names = [...this.#table.namesOf(address), ...this.#inline.namesOf(address)];
    return names.map((name) => ({ ...fields, data: lowerName(nameFromText(name)!) }));
  }

  #addresses(qname: Octets, size: 4 | 16): Uint8Array[] {
    return [...this.#table.addressesOf(qname, size), ...this.#inline.addressesOf(qname, size)];
  }

  #reply(question: Question, answer: readonly ResourceRecord[]): Promise<Resolution> {
    const parts = { flags: FLAG.AA, rcode: RCODE.NOERROR, sections: { ...NO_RECORDS, answer } };
    const response = responseOf(question, parts);
    if (response !== undefined) return Promise.resolve({ ok: true, response, by: 'hosts' });
    const reason = `${answer.length} records do not fit into a message`;
    return Promise.resolve({ ok: false, rcode: RCODE.SERVFAIL, reason });
  }
}

function isAddressType(qtype: number): boolean {
  return qtype === QTYPE.A || qtype === QTYPE.AAAA;
}
