/** The architectures that there are images for, by Node's names of them, and what others call them. */
export interface Architecture {
  /** Also Docker's. */
  readonly debian: string;
  /** Of Debian's cross tools. */
  readonly gnu: string;
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { debian: 'amd64', gnu: 'x86_64-linux-gnu' },
  arm64: { debian: 'arm64', gnu: 'aarch64-linux-gnu' },
};

export const CPUS: readonly string[] = Object.keys(ARCHITECTURES);

/** Throws an `Error` that names those that there are. */
export function architectureOf(cpu: string): Architecture {
  const architecture = ARCHITECTURES[cpu];
  if (architecture === undefined) throw new Error(`'${cpu}': expected ${CPUS.join(' or ')}`);
  return architecture;
}
