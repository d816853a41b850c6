/** What kind of thing an upstream's address is. */

export function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

/** The resolvers that cloud networks give to every machine, at addresses that are the same everywhere. */
const CLOUD_RESOLVERS: ReadonlyMap<string, string> = new Map([
  ['169.254.169.253', "AWS's VPC resolver"],
  ['fd00:ec2::253', "AWS's VPC resolver"],
  ['169.254.169.254', "Google Cloud's or Oracle's metadata server"],
  ['168.63.129.16', "Azure's resolver"],
  ['100.100.2.136', "Alibaba Cloud's resolver"],
  ['100.100.2.138', "Alibaba Cloud's resolver"],
]);

/** RFC 1918, and the `.2` of a VPC whose range ends at an octet: AWS's "VPC+2" resolver. */
const VPC_PLUS_TWO = /^(10\.\d+|172\.(1[6-9]|2\d|3[01])|192\.168)\.\d+\.2$/;

/** Whose resolver it is, as far as the address tells. */
export function cloudResolver(address: string): string | undefined {
  const known = CLOUD_RESOLVERS.get(address);
  if (known !== undefined) return known;
  return VPC_PLUS_TWO.test(address) ? "the VPC's resolver, as it seems" : undefined;
}
