/**
 * What Kubernetes' own schemas do not have: the fields of custom resources that this tree's manifests use, as their definitions
 * state them. Anything else in such an object is a mistake of ours.
 */
import { Ajv } from 'ajv';
import type { KubernetesObject } from './manifest.ts';

const TEXT = { type: 'string', minLength: 1 };

function closed(properties: object, required = Object.keys(properties)): object {
  return { type: 'object', additionalProperties: false, properties, required };
}

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
