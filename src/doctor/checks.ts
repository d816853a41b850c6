/** The checks, in the order in which a person would look. */
import type { Check } from './check.ts';
import { COMPARISON_CHECK } from './comparison-check.ts';
import { CONNTRACK_CHECK } from './conntrack-check.ts';
import { COREFILE_CHECK } from './corefile-check.ts';
import { DAEMON_CHECK } from './daemon-check.ts';
import { DRIVER_CHECK } from './driver-check.ts';
import { LEASE_CHECK, RULES_CHECK } from './interception-check.ts';
import { INTERFACE_CHECK } from './interface-check.ts';
import { POD_CHECK } from './pod-check.ts';
import { ENDPOINT_CHECK, PORT_CHECK } from './port-check.ts';
import { QUERY_CHECK } from './query-check.ts';
import { RECEIVE_QUEUE_CHECK } from './receive-queue-check.ts';
import { TIMEOUT_CHECK } from './timeout-check.ts';
import { UPSTREAM_CHECK } from './upstream-check.ts';

export const CHECKS: readonly Check[] = [
  DAEMON_CHECK,
  COREFILE_CHECK,
  INTERFACE_CHECK,
  PORT_CHECK,
  ENDPOINT_CHECK,
  RULES_CHECK,
  LEASE_CHECK,
  QUERY_CHECK,
  UPSTREAM_CHECK,
  COMPARISON_CHECK,
  POD_CHECK,
  CONNTRACK_CHECK,
  RECEIVE_QUEUE_CHECK,
  DRIVER_CHECK,
  TIMEOUT_CHECK,
];
