import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMessages } from '../../src/os/netlink-message.ts';
import {
  batchOf,
  changeOf,
  errnosIn,
  expirationIn,
  NFT_MESSAGE,
  request,
  setMessage,
} from '../../src/os/nfnetlink-message.ts';

const ELEMENT = { table: 'zerohop', set: 'lease4', key: Uint8Array.of(169, 254, 20, 10) };

/** What the kernel sends for an element whose message is like ours, with an expiration put in place of the time-out. */
function elementDatagram(expiresInMs: number): Uint8Array {
  const octets = Buffer.from(request(setMessage('NEWSETELEM', ELEMENT, expiresInMs)));
  // The time-out's attribute is the last one: length 12, type 4.
  octets.writeUInt16LE(5, octets.length - 10);
  return octets;
}

test('a new element’s message is laid out as the kernel reads it', () => {
  const octets = Buffer.from(request(setMessage('NEWSETELEM', ELEMENT, 3000)));
  assert.equal(
    octets.toString('hex'),
    [
      '4c000000' + '0c0a' + '0104' + '00000000' + '00000000', // length 76, NEWSETELEM, REQUEST | CREATE
      '01000000', // inet
      '0c000100' + '7a65726f686f7000', // zerohop
      '0b000200' + '6c656173653400' + '00', // lease4
      '20000380', // elements, nested
      '1c000180', // the first
      '0c000180' + '08000100' + 'a9fe140a', // its key
      '0c000400' + '0000000000000bb8', // 3000 ms
    ]
      .join('')
      .replace('28000380' + '1c000180', '20000380' + '1c000180'),
  );
});

test('a batch is numbered, framed, and acknowledged once', () => {
  const batch = Buffer.from(batchOf([setMessage('DELSETELEM', ELEMENT)]).octets);
  const begin = batch.subarray(0, 20);
  const end = batch.subarray(batch.length - 20);
  assert.deepEqual([begin.readUInt16LE(4), begin.readUInt32LE(8)], [0x10, 0]);
  assert.deepEqual([end.readUInt16LE(4), end.readUInt32LE(8)], [0x11, 2]);
  assert.equal(begin.readUInt16BE(18), 10, 'the subsystem is nf_tables');
  assert.equal(batch.readUInt16LE(20 + 6), 1 | 4);
  assert.equal(batch.readUInt32LE(20 + 8), 1);
});

test('an expiration is read from an element’s message', () => {
  assert.equal(expirationIn(elementDatagram(2872)), 2872);
  assert.equal(expirationIn(request(setMessage('NEWSETELEM', ELEMENT))), undefined);
  assert.equal(expirationIn(new Uint8Array()), undefined);
});

test('errors are told by their number, one for each message', () => {
  const error = Buffer.alloc(36);
  error.writeUInt32LE(36, 0);
  error.writeUInt16LE(2, 4);
  error.writeUInt32LE(9, 8);
  error.writeInt32LE(-2, 16);
  assert.deepEqual(errnosIn(Buffer.concat([error, error])), [2, 2]);
  assert.deepEqual(errnosIn(error.subarray(0, 16)), []);
});

const PLAIN = { isBaseChain: false, userData: '' };

test('changes name their table and chain or set', () => {
  const datagram = Buffer.concat([
    request(setMessage('DELSETELEM', ELEMENT)),
    request(setMessage('NEWSETELEM', { ...ELEMENT, set: 'address4' })),
  ]);
  assert.deepEqual(decodeMessages(datagram).map(changeOf), [
    { message: NFT_MESSAGE.DELSETELEM, table: 'zerohop', name: 'lease4', ...PLAIN },
    { message: NFT_MESSAGE.NEWSETELEM, table: 'zerohop', name: 'address4', ...PLAIN },
  ]);
});

test('no octets make the reader read outside of them, or for ever', () => {
  const valid = elementDatagram(1000);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .tuple(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length))
          .map(([at, value, length]) => {
            const octets = Uint8Array.from(valid);
            octets[at] = value;
            return octets.subarray(0, length);
          }),
      ),
      (octets) => {
        decodeMessages(octets).map(changeOf);
        expirationIn(octets);
        errnosIn(octets);
      },
    ),
  );
});
