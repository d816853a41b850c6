/**
 * Debian's packages of any architecture, with lists and a status of their own in a directory: the machine's configuration stays as
 * it is, and what it has installed does not count. Sources are the machine's.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { architectureOf } from './architectures.ts';

export class PrivateApt {
  /** For programs that call apt: root.sh. */
  readonly environment: NodeJS.ProcessEnv;
  readonly architecture: string;
  readonly #directory: string;

  /** Fetches the lists of packages. */
  constructor(directory: string, cpu: string) {
    const architecture = architectureOf(cpu).debian;
    this.architecture = architecture;
    this.#directory = directory;
    for (const path of ['state/lists/partial', 'cache/archives/partial']) {
      mkdirSync(join(directory, path), { recursive: true });
    }
    const config = join(directory, 'apt.conf');
    writeFileSync(join(directory, 'status'), '');
    writeFileSync(
      config,
      `Dir::State "${directory}/state";
Dir::State::status "${directory}/status";
Dir::Cache "${directory}/cache";
APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Sandbox::User "root";
`,
    );
    this.environment = { ...process.env, APT_CONFIG: config, DEBIAN_FRONTEND: 'noninteractive' };
    this.#run('apt-get', 'update', '-qq');
  }

  /** The package that a package of Debian's without contents stands for, such as the kernel of the day. */
  dependencyOf(name: string): string {
    const [, dependency] = /Depends: (\S+)/.exec(this.#run('apt-cache', 'depends', name)) ?? [];
    if (dependency === undefined) throw new Error(`${name} depends on nothing`);
    return dependency;
  }

  /** Unpacks packages, and all that they depend on, without their maintainers' scripts. */
  unpackWithDependencies(names: readonly string[], root: string): void {
    this.#run('apt-get', 'install', '-y', '-qq', '-d', '--no-install-recommends', ...names);
    for (const directory of ['bin', 'sbin', 'lib', 'lib64']) {
      mkdirSync(join(root, 'usr', directory), { recursive: true });
    }
    this.#run('ln', '-s', 'usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', root);
    this.#unpack(join(this.#directory, 'cache/archives'), root);
  }

  /** Unpacks one package alone. */
  unpack(name: string, root: string): void {
    const directory = join(this.#directory, name);
    mkdirSync(directory);
    execFileSync('apt-get', ['download', '-qq', name], {
      cwd: directory,
      env: this.environment,
    });
    this.#unpack(directory, root);
  }

  #unpack(from: string, root: string): void {
    for (const file of globSync('*.deb', { cwd: from })) {
      const script = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink';
      this.#run('sh', '-c', script, 'sh', join(from, file), root);
    }
  }

  #run(command: string, ...args: string[]): string {
    return execFileSync(command, args, {
      env: this.environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }
}
