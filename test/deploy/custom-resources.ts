/**
 * What the schemas of packages do not have: the fields of custom resources and of tools' configurations that our manifests and pages use,
 * as their definitions state them. Anything else in such an object is a mistake of ours.
 */
import { Ajv } from 'ajv';
import type { KubernetesObject } from './manifest.ts';

const TEXT = { type: 'string', minLength: 1 };

function closed(properties: object, required = Object.keys(properties)): object {
  return { type: 'object', additionalProperties: false, properties, required };
}

function listOf(items: object): object {
  return { type: 'array', minItems: 1, items };
}

const ADDRESS = { type: 'string', pattern: '^[0-9.]+$|^[0-9a-f:]+$' };
const ADDRESSES = listOf(ADDRESS);
const METADATA = closed({ name: TEXT, namespace: TEXT }, ['name']);

/** Ports have names where there are several. */
const CILIUM_PORTS = {
  type: 'array',
  minItems: 1,
  items: closed({
    name: { type: 'string', pattern: '^([0-9]{1,4})|([a-zA-Z0-9]-?)*[a-zA-Z](-?[a-zA-Z0-9])*$' },
    port: { type: 'string', pattern: '^[1-9][0-9]{0,4}$' },
    protocol: { enum: ['TCP', 'UDP'] },
  }),
};

const SCHEMAS: Readonly<Record<string, object>> = {
  /** Cilium 1.15 to 1.18, ciliumlocalredirectpolicies.cilium.io; the Service is in the policy's namespace. */
  'cilium.io/v2 CiliumLocalRedirectPolicy': closed({
    apiVersion: TEXT,
    kind: TEXT,
    metadata: METADATA,
    spec: closed({
      redirectFrontend: closed({
        serviceMatcher: closed({ serviceName: TEXT, namespace: { const: 'kube-system' } }),
      }),
      redirectBackend: closed({
        localEndpointSelector: closed({
          matchLabels: { type: 'object', minProperties: 1, additionalProperties: TEXT },
        }),
        toPorts: CILIUM_PORTS,
      }),
    }),
  }),
  /** nodeadm of Amazon's AMIs. */
  'node.eks.aws/v1alpha1 NodeConfig': closed({
    apiVersion: TEXT,
    kind: TEXT,
    spec: closed({ kubelet: closed({ config: closed({ clusterDNS: ADDRESSES }) }) }),
  }),
  'kubelet.config.k8s.io/v1beta1 KubeletConfiguration': closed({
    apiVersion: TEXT,
    kind: TEXT,
    clusterDNS: ADDRESSES,
  }),
  /** eksctl: one address in a group's `clusterDNS`; `overrideBootstrapCommand` of a managed group wants an `ami`. */
  'eksctl.io/v1alpha5 ClusterConfig': closed({
    apiVersion: TEXT,
    kind: TEXT,
    metadata: closed({ name: TEXT, region: TEXT }),
    nodeGroups: listOf(closed({ name: TEXT, amiFamily: TEXT, clusterDNS: ADDRESS })),
    managedNodeGroups: listOf({
      oneOf: [
        closed({ name: TEXT, amiFamily: TEXT, ami: TEXT, overrideBootstrapCommand: TEXT }),
        closed({ name: TEXT, launchTemplate: closed({ id: TEXT }) }),
      ],
    }),
  }),
  'kops.k8s.io/v1alpha2 Cluster': closed({
    apiVersion: TEXT,
    kind: TEXT,
    metadata: METADATA,
    spec: closed({
      kubeDNS: closed({
        provider: { enum: ['CoreDNS', 'KubeDNS'] },
        nodeLocalDNS: closed({ enabled: { type: 'boolean' }, image: TEXT }),
      }),
    }),
  }),
  /** Of RKE2 and k3s; `valuesContent` is YAML as text. */
  'helm.cattle.io/v1 HelmChartConfig': closed({
    apiVersion: TEXT,
    kind: TEXT,
    metadata: METADATA,
    spec: closed({ valuesContent: TEXT }),
  }),
  'readiness.node.x-k8s.io/v1alpha1 NodeReadinessRule': closed({
    apiVersion: TEXT,
    kind: TEXT,
    metadata: METADATA,
    spec: closed({
      conditions: listOf(closed({ type: TEXT, requiredStatus: { enum: ['True', 'False'] } })),
      taint: closed({
        key: { type: 'string', pattern: '^readiness\\.k8s\\.io/' },
        value: TEXT,
        effect: { enum: ['NoSchedule', 'NoExecute', 'PreferNoSchedule'] },
      }),
      enforcementMode: { enum: ['bootstrap-only', 'continuous'] },
      nodeSelector: closed({ matchLabels: { type: 'object', additionalProperties: TEXT } }),
    }),
  }),
};

const ajv = new Ajv({ strict: false });

export function isCustom({ apiVersion, kind }: KubernetesObject): boolean {
  return `${apiVersion} ${kind}` in SCHEMAS;
}

/** Undefined: nothing is wrong. */
export function customProblem(object: KubernetesObject): string | undefined {
  const validate = ajv.compile(SCHEMAS[`${object.apiVersion} ${object.kind}`]!);
  return validate(object) ? undefined : ajv.errorsText(validate.errors);
}
