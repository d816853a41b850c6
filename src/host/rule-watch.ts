/**
 * Word of changes that others make to rules: every change of nf_tables is told over netlink, also those of iptables-nft;
 * iptables-legacy tells nobody, so the number of its rules is looked at. Node's event loop cannot wait for a netlink socket; it is
 * read, without waiting, four times a second, which takes 5 us each time nothing came.
 */
import { SystemCallError } from '../os/errno.ts';
import { LegacyTables } from '../os/legacy-tables.ts';
import type { Libc } from '../os/libc.ts';
import { NfnetlinkSocket } from '../os/nfnetlink.ts';
import { NFT_MESSAGE, type NftChange } from '../os/nfnetlink-message.ts';
import { TABLE } from './nft-text.ts';

const LOOK_EVERY_MS = 250;
/** What mends the rules runs commands: not more often. */
const TELL_EVERY_MS = 500;

/** Calls back when something changed; returns the way to stop. */
export type Watch = (onChange: () => void) => () => void;

/** Renewals of leases come each second and are no news. */
const NO_NEWS: readonly number[] = [NFT_MESSAGE.NEWSETELEM, NFT_MESSAGE.DELSETELEM];

/** Whether a change may concern the table of our own or a chain of others at a hook, where our accepting rules may be. */
export function isNftNews({ message, table, name }: NftChange): boolean {
  if (table === TABLE) return !NO_NEWS.includes(message) || /^(address|own)/.test(name);
  const isChain = message === NFT_MESSAGE.NEWCHAIN || message === NFT_MESSAGE.DELCHAIN;
  // kube-proxy's own table changes with each endpoint and filters nothing that we could mend.
  return table !== 'kube-proxy' && (isChain || message === NFT_MESSAGE.DELRULE);
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
    const socket = listen(libc);
    if (socket === undefined) return () => {};
    const look = () => {
      const changes = socket.changes();
      return changes === undefined || changes.some(isNews);
    };
    return lookNowAndThen(look, onChange, () => socket.close());
  };
}

/** Notices when the raw or filter table of iptables-legacy changes its size. kube-proxy keeps to table nat, which is not looked at. */
export function watchLegacy(libc: Libc | Error): Watch {
  return (onChange) => {
    if (libc instanceof Error) return () => {};
    const tables = new LegacyTables(libc);
    const fingerprint = () =>
      ([4, 6] as const)
        .flatMap((family) => [
          tables.fingerprint(family, 'raw'),
          tables.fingerprint(family, 'filter'),
        ])
        .join(' ');
    let last = fingerprint();
    const look = () => {
      const now = fingerprint();
      const isNew = now !== last;
      last = now;
      return isNew;
    };
    return lookNowAndThen(look, onChange, () => tables.close());
  };
}

function listen(libc: Libc | Error): NfnetlinkSocket | undefined {
  if (libc instanceof Error) return undefined;
  try {
    return NfnetlinkSocket.listen(libc);
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

function lookNowAndThen(look: () => boolean, onChange: () => void, close: () => void): () => void {
  let isPending = false;
  let toldAtLook = 0;
  let lookCount = 0;
  const timer = setInterval(() => {
    lookCount += 1;
    isPending ||= look();
    if (!isPending || (lookCount - toldAtLook) * LOOK_EVERY_MS < TELL_EVERY_MS) return;
    isPending = false;
    toldAtLook = lookCount;
    onChange();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    close();
  };
}
