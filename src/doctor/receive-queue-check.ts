/** Whether datagrams were lost because nobody took them from the receive queue in time. */
import { hostPort } from '../base/ip-address.ts';
import { boundSockets } from '../os/bound-sockets.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';

/** A second look shows whether it goes on. */
const PAUSE_MS = 1000;
const ADVICE =
  'a burst was longer than the queue: raise net.core.rmem_max, give the daemon CPU (no limit), or a second thread (-responders 2)';

export const RECEIVE_QUEUE_CHECK: Check = {
  name: 'receive-queue',
  timeoutMs: 5000,
  run: async ({ proc, target, daemon, pause }, signal) => {
    const look = () =>
      boundSockets(proc, ['udp', 'udp6']).filter(({ port }) => port === target.dnsPort);
    const first = look();
    if (first.length === 0) return [skipped('nobody listens, see above')];
    await pause(PAUSE_MS, signal);
    const second = look();
    const findings = second.flatMap((socket): Finding[] => {
      if (socket.drops === 0) return [];
      const before = first.find(({ inode }) => inode === socket.inode)?.drops ?? socket.drops;
      const text = `${hostPort(socket.host, socket.port)}/udp: ${socket.drops} datagrams dropped since it was opened`;
      const growth = socket.drops - before;
      if (growth > 0) return [failed(`${text}, ${growth} in the last second`, ADVICE)];
      return [warning(text, ADVICE)];
    });
    if (findings.length > 0) return findings;
    const counted = daemon.ok ? daemon.status.drops.receiveQueue : 0;
    if (counted > 0) {
      return [
        warning(`the daemon has counted ${counted} datagrams dropped since its start`, ADVICE),
      ];
    }
    const queued = second.reduce((sum, socket) => sum + socket.queued, 0);
    return [ok(`no datagram dropped, ${queued} octets wait`)];
  },
};
