/**
 * The pages for operators: the commands of docs/deploy.md make of the manifest what the other tests examine; what the pages show as
 * YAML, TOML or HCL is what its tool takes, as far as schemas and parsers say; every `zerohop` command and option in them exists.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { parse as parseHcl } from '@cdktn/hcl2json';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { zerohop } from '../cli/zerohop-command.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { fieldProblems, valueProblem } from './kubernetes-schema.ts';
import {
  fillIn,
  IPTABLES_VALUES,
  IPVS_VALUES,
  type KubernetesObject,
  MANIFEST_PATH,
  manifestText,
  objectsIn,
  ROOT,
} from './manifest.ts';

const PAGES = [
  'deploy',
  'monitoring',
  'networks',
  'pod-dns',
  'pods',
  'troubleshooting',
  'watching',
];
const TEXTS = new Map(
  PAGES.map((page) => [page, readFileSync(join(ROOT, `docs/${page}.md`), 'utf8')]),
);
const DEPLOY = TEXTS.get('deploy')!;

interface Example {
  readonly page: string;
  readonly text: string;
}

function examples(language: string, pages: readonly string[] = PAGES): Example[] {
  return pages.flatMap((page) => {
    const fences = TEXTS.get(page)!.matchAll(
      new RegExp(`^( *)\`\`\`${language}\n(.*?)^ *\`\`\`$`, 'gms'),
    );
    return [...fences].map(([, indent, text]) => {
      return { page, text: text!.replaceAll(new RegExp(`^${indent}`, 'gm'), '') };
    });
  });
}

/** Without an API of their own: variables of Ansible, k3s's configuration. */
const PLAIN: readonly string[] = [
  'enable_nodelocaldns nodelocaldns_ip nodelocaldns_image_repo nodelocaldns_image_tag',
  'kubelet-arg',
];

const YAML = examples('yaml').flatMap(({ page, text }) => {
  return objectsIn(text).map((object) => ({ page, object }));
});
const OBJECTS = YAML.filter(({ object }) => object.kind !== undefined);

async function assertNodeConfig(text: string): Promise<void> {
  const [config] = objectsIn(text);
  assert.equal(config!.kind, 'NodeConfig');
  assert.equal(await valueProblem(config!), undefined);
}

test('the commands fill in the manifest', (t) => {
  const scripts = examples('sh', ['deploy'])
    .map(({ text }) => text)
    .filter((text) => text.includes('sed') && text.includes('>zerohop.yaml'));
  assert.equal(scripts.length, 2);
  const made = scripts.map((script) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'deploy'));
    copyFileSync(join(ROOT, MANIFEST_PATH), join(directory, MANIFEST_PATH));
    const kubectl = `kubectl() { echo ${IPTABLES_VALUES.dnsServer}; }\n`;
    execFileSync('sh', ['-euc', `${kubectl}${script}`], { cwd: directory });
    return objectsIn(readFileSync(join(directory, 'zerohop.yaml'), 'utf8'));
  });
  const expected = [IPTABLES_VALUES, IPVS_VALUES].map((values) => {
    return objectsIn(fillIn(manifestText(), values));
  });
  assert.deepEqual(made, expected);
});

test('the patch of the canary is JSON', () => {
  const [, patch] = /--patch '(.*?)'/s.exec(DEPLOY)!;
  const { spec } = JSON.parse(patch!);
  assert.deepEqual(Object.keys(spec.template.spec), ['affinity']);
});

suite('YAML', () => {
  for (const { page, object } of OBJECTS) {
    test(`${page}: ${object.kind}`, async () => {
      assert.equal(await valueProblem(object), undefined);
    });
  }

  test('has no field that is not there', async (t) => {
    const objects = OBJECTS.map(({ object }) => object);
    assert.equal(await fieldProblems(t, objects), '');
  });

  test('of other kinds has the keys that are known', () => {
    const plain = YAML.filter(({ object }) => object.kind === undefined);
    const keys = plain.map(({ object }) => Object.keys(object).join(' '));
    assert.deepEqual(keys, PLAIN);
  });

  test('within YAML: NodeConfig for eksctl, values for a chart', async () => {
    const of = (kind: string): KubernetesObject => {
      return OBJECTS.find(({ object }) => object.kind === kind)!.object;
    };
    const groups = Reflect.get(of('ClusterConfig'), 'managedNodeGroups');
    const [text] = groups.flatMap((group: Record<string, string>) => {
      return group['overrideBootstrapCommand'] ?? [];
    });
    await assertNodeConfig(text);
    const { nodelocal } = parseYaml(of('HelmChartConfig').spec.valuesContent);
    assert.deepEqual(Object.keys(nodelocal), ['enabled', 'ipvs', 'image']);
  });
});

suite('HCL and TOML', () => {
  test('Terraform parses it, and what stands within it is right', async () => {
    const blocks = await Promise.all(
      examples('hcl').map(({ page, text }) => parseHcl(`${page}.tf`, text)),
    );
    // biome-ignore lint/suspicious/noExplicitAny: of any depth; what is looked at has to be there.
    const [{ module }, { resource }] = blocks as any[];
    const { al2023, bottlerocket } = module.eks[0].eks_managed_node_groups;
    const [part] = al2023.cloudinit_pre_nodeadm;
    assert.equal(part.content_type, 'application/node.eks.aws');
    await assertNodeConfig(part.content);
    assertBottlerocket(bottlerocket.bootstrap_extra_args);
    const data: string = resource.aws_launch_template.al2023[0].user_data;
    const mime = /<<-?EOT\n(.*?)^ *EOT/ms.exec(data)?.[1] ?? data;
    const [, body] = /application\/node\.eks\.aws\n\n(.*?)\n *--\/\/--/s.exec(mime)!;
    await assertNodeConfig(body!);
  });

  test('Bottlerocket’s settings', () => {
    for (const { text } of examples('toml')) assertBottlerocket(text);
  });

  function assertBottlerocket(text: string): void {
    const settings = { kubernetes: { 'cluster-dns-ip': '169.254.20.10' } };
    assert.deepEqual(structuredClone(parseToml(text)), { settings });
  }
});

suite('commands', () => {
  test('are a shell’s', () => {
    for (const { page, text } of examples('sh')) {
      execFileSync('sh', ['-n', '-c', text], { stdio: 'pipe' });
      assert.ok(text.length > 0, page);
    }
  });

  test('of zerohop exist, with their options', async () => {
    const known = new Map<string, string>();
    for (const [page, text] of TEXTS) {
      for (const [, command, rest] of text.matchAll(
        /(?<!install )\bzerohop ([a-z]+)\b([^|`\n]*)/g,
      )) {
        if (!known.has(command!)) {
          const { code, stdout } = await zerohop([command!, '--help']);
          known.set(command!, code === 0 ? stdout : '');
        }
        const help = known.get(command!)!;
        assert.notEqual(help, '', `${page}: zerohop ${command}`);
        for (const [option] of rest!.matchAll(/--[a-z-]+/g)) {
          assert.ok(help.includes(option), `${page}: zerohop ${command} ${option}`);
        }
      }
    }
    assert.ok(known.has('render') && known.has('doctor'));
  });

  test('of doctor name checks that there are', async () => {
    const { stdout } = await zerohop(['doctor', '--checks']);
    for (const [page, text] of TEXTS) {
      for (const [, names] of text.matchAll(/--only ([a-z,-]+)/g)) {
        for (const name of names!.split(',')) {
          assert.match(stdout, new RegExp(`^${name}\\b`, 'm'), `${page}: ${name}`);
        }
      }
    }
  });
});

test('links lead to files and headings that there are', () => {
  const slug = (heading: string) => {
    return heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  };
  const broken: string[] = [];
  for (const [page, text] of TEXTS) {
    for (const [, target, anchor] of text.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const path = target === '' ? `docs/${page}.md` : join(dirname(`docs/${page}.md`), target!);
      const file = join(ROOT, path);
      if (!existsSync(file)) broken.push(`${page}: ${path}`);
      else if (anchor !== undefined) {
        const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm);
        const slugs = [...headings].map(([, heading]) => slug(heading!));
        if (!slugs.includes(anchor)) broken.push(`${page}: ${path}#${anchor}`);
      }
    }
  }
  assert.deepEqual(broken, []);
});
