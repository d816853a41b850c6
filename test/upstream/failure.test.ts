import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText, type Route, socketFailure } from '../../src/upstream/failure.ts';

const route: Route = { carriage: 'tls', from: '192.0.2.1:4000', to: '192.0.2.53:853' };

test('errors of a socket, in the words of Go', () => {
  const text = (code: string, operation: 'dial' | 'read') =>
    errorText(socketFailure(Object.assign(new Error('some detail'), { code }), operation, route));
  assert.equal(
    text('ECONNREFUSED', 'dial'),
    'dial tcp 192.0.2.53:853: connect: connection refused',
  );
  assert.equal(text('ETIMEDOUT', 'dial'), 'dial tcp 192.0.2.53:853: i/o timeout');
  assert.equal(text('EHOSTUNREACH', 'dial'), 'dial tcp 192.0.2.53:853: connect: no route to host');
  assert.equal(
    text('ENETUNREACH', 'dial'),
    'dial tcp 192.0.2.53:853: connect: network is unreachable',
  );
  assert.equal(
    text('ECONNRESET', 'read'),
    'read tcp 192.0.2.1:4000->192.0.2.53:853: read: connection reset by peer',
  );
  assert.equal(text('EACCES', 'read'), 'read tcp 192.0.2.1:4000->192.0.2.53:853: some detail');
});

test('failures without a socket', () => {
  assert.equal(errorText({ code: 'eof', route }), 'EOF');
  assert.equal(
    errorText({ code: 'max_concurrent', maximum: 7 }),
    'concurrent queries exceeded maximum 7',
  );
  assert.equal(errorText({ code: 'no_healthy_upstream' }), 'no healthy proxies');
});
