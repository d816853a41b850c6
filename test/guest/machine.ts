/** What emulates a machine of an architecture, and what is missing for it. */
import { spawnSync } from 'node:child_process';

interface Machine {
  readonly program: string;
  /** Debian's package of it. */
  readonly package: string;
  readonly args: readonly string[];
  /** The console's device. */
  readonly console: string;
}

/**
 * An initramfs of half a gigabyte is there twice while it is unpacked. The guest's clock counts its instructions, a billion a second, and leaps
 * where it has nothing to do: no deadline in it depends on how fast it is emulated, nor on what else this machine does.
 */
const COMMON = [
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
  ...['-m', '3072', '-smp', '1', '-icount', 'shift=0,sleep=off'],
];

const MACHINES: Readonly<Record<string, Machine>> = {
  x64: {
    program: 'qemu-system-x86_64',
    package: 'qemu-system-x86',
    args: [...COMMON, '-machine', 'q35', '-accel', 'tcg', '-cpu', 'max'],
    console: 'ttyS0',
  },
  arm64: {
    program: 'qemu-system-aarch64',
    package: 'qemu-system-arm',
    args: [...COMMON, '-machine', 'virt', '-accel', 'tcg', '-cpu', 'cortex-a72'],
    console: 'ttyAMA0',
  },
};

export function machineOf(cpu: string): Machine | undefined {
  return MACHINES[cpu];
}

/** What is missing to emulate it, in one line; undefined where all is there. */
export function missingFor(cpu: string): string | undefined {
  const machine = machineOf(cpu);
  if (machine === undefined) return `no machine for '${cpu}': expected x64 or arm64`;
  const needs = { [machine.program]: machine.package, cpio: 'cpio', 'apt-get': 'apt', npm: 'npm' };
  const absent = Object.entries(needs).filter(
    ([program]) => spawnSync(program, ['--version']).error !== undefined,
  );
  if (absent.length > 0) {
    return `apt-get install ${absent.map(([, name]) => name).join(' ')}`;
  }
  return process.getuid?.() === 0 ? undefined : 'it needs root';
}
