/**
 * Word of changes that others make to rules: every change of nf_tables is told over netlink, also those of iptables-nft;
 * iptables-legacy tells nobody, so the number of its rules is looked at twice a second, which takes 10 us each time.
 */
import { SystemCallError } from '../os/errno.ts';
import { LegacyTables } from '../os/legacy-tables.ts';
import type { Libc } from '../os/libc.ts';
import { watchNftables } from '../os/nfnetlink.ts';
import { NFT_MESSAGE, type NftChange } from '../os/nfnetlink-message.ts';
import { TABLE } from './nft-text.ts';
import { RULE_COMMENTS } from './rules.ts';

const LOOK_EVERY_MS = 500;
const TELL_EVERY_MS = 500;

/** Calls back when something changed; returns the way to stop. */
export type Watch = (onChange: () => void) => () => void;

/** Renewals of leases come each second and are no news. */
const NO_NEWS: readonly number[] = [NFT_MESSAGE.NEWSETELEM, NFT_MESSAGE.DELSETELEM];

/**
 * Whether a change may concern the table of our own, or our accepting rules in chains of others: a chain came to a hook or went,
 * or a rule with our comment went. What kube-proxy does all day is neither.
 */
export function isNftNews({ message, table, name, isBaseChain, userData }: NftChange): boolean {
  if (table === TABLE) return !NO_NEWS.includes(message) || /^(address|own)/.test(name);
  return (
    isBaseChain || (message === NFT_MESSAGE.DELRULE && userData.includes(RULE_COMMENTS.ACCEPT))
  );
}

const IPTABLES_CHAINS = ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'];

/** Whether a change may concern a rule of iptables-nft where ours are: not in kube-proxy's own chains. */
export function isIptablesNews({ message, table, name }: NftChange): boolean {
  if (message === NFT_MESSAGE.DELTABLE) return true;
  const isOurs = name.startsWith('ZEROHOP') || IPTABLES_CHAINS.includes(name);
  return ['raw', 'filter', 'nat'].includes(table) && isOurs && !NO_NEWS.includes(message);
}

/** Hears of changes of nf_tables; of none where netlink cannot be had. */
export function watchNft(libc: Libc | Error, isNews: (change: NftChange) => boolean): Watch {
  return (onChange) => {
    if (libc instanceof Error) return () => {};
    const news = new News(onChange);
    try {
      const stop = watchNftables(libc, {
        onChanges: (changes) => {
          if (changes.some(isNews)) news.come();
        },
        onLoss: () => news.come(),
      });
      return () => {
        stop();
        news.close();
      };
    } catch (error) {
      if (error instanceof SystemCallError) return () => {};
      throw error;
    }
  };
}

/** Notices when the raw or filter table of iptables-legacy changes its size. kube-proxy keeps to table nat, which is not looked at. */
export function watchLegacy(libc: Libc | Error): Watch {
  return (onChange) => {
    if (libc instanceof Error) return () => {};
    const tables = new LegacyTables(libc);
    const news = new News(onChange);
    let last = fingerprintOf(tables);
    const timer = setInterval(() => {
      const now = fingerprintOf(tables);
      if (now !== last) news.come();
      last = now;
    }, LOOK_EVERY_MS).unref();
    return () => {
      clearInterval(timer);
      news.close();
      tables.close();
    };
  };
}

function fingerprintOf(tables: LegacyTables): string {
  const each = ([4, 6] as const).flatMap((family) =>
    ['raw', 'filter'].map((table) => tables.fingerprint(family, table)),
  );
  return each.join(' ');
}

/** Tells at once, and what comes soon after that once, later: whoever mends rules runs commands. */
class News {
  readonly #tell: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  come(): void {
    this.#isDue = true;
    if (this.#timer === undefined) this.#pass();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#isDue = false;
  }

  #pass(): void {
    this.#timer = undefined;
    if (!this.#isDue) return;
    this.#isDue = false;
    this.#timer = setTimeout(() => this.#pass(), TELL_EVERY_MS).unref();
    this.#tell();
  }
}
