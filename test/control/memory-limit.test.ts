import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryLimitBytes } from '../../src/control/memory-limit.ts';

const MIB = 1024 * 1024;

function limitOf(files: Readonly<Record<string, string>>): number | undefined {
  return memoryLimitBytes((path) => files[path]);
}

test('in a container its cgroup is the root', () => {
  const own = '0::/\n';
  assert.equal(
    limitOf({ '/proc/self/cgroup': own, '/sys/fs/cgroup/memory.max': `${64 * MIB}\n` }),
    64 * MIB,
  );
  const v1 = { '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${32 * MIB}\n` };
  assert.equal(limitOf({ '/proc/self/cgroup': '4:memory:/docker/0123\n', ...v1 }), 32 * MIB);
});

test('outside, its own place in the tree counts', () => {
  const v2 = {
    '/proc/self/cgroup': '0::/system.slice/zerohop.service\n',
    '/sys/fs/cgroup/system.slice/zerohop.service/memory.max': `${96 * MIB}\n`,
  };
  assert.equal(limitOf(v2), 96 * MIB);
  const v1 = {
    '/proc/self/cgroup': '5:cpu,cpuacct:/a\n4:memory:/b\n0::/\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    '/sys/fs/cgroup/memory/b/memory.limit_in_bytes': `${48 * MIB}\n`,
  };
  assert.equal(limitOf(v1), 48 * MIB);
});

test('no limit', () => {
  assert.equal(limitOf({}), undefined);
  const max = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'max\n' };
  assert.equal(limitOf(max), undefined);
});
