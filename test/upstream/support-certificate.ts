/**
 * A self-signed certificate for dns.example.org and 127.0.0.1, with its key, made for these tests and good for a hundred
 * years; and files of both, for options that name paths.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export const CERTIFICATE = `
-----BEGIN CERTIFICATE-----
MIIBrTCCAVOgAwIBAgIUHX2rf1MN0UPznqKCFUx8kCtbWkQwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPZG5zLmV4YW1wbGUub3JnMCAXDTI2MTEyMzAxNDQwMFoYDzIx
MjYxMDMwMDE0NDAwWjAaMRgwFgYDVQQDDA9kbnMuZXhhbXBsZS5vcmcwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAATY2C1CHeTy9aF3XX0H6xgKibxx/vuKSrIrfg75
dQxFSUcgboa8CF0sn0aGEE7OruUVueHN4k7pfqw7dpUkZmqXo3UwczAdBgNVHQ4E
FgQUViEuRgclBN2tpHvuw1LjJBixnMEwHwYDVR0jBBgwFoAUViEuRgclBN2tpHvu
w1LjJBixnMEwDwYDVR0TAQH/BAUwAwEB/zAgBgNVHREEGTAXgg9kbnMuZXhhbXBs
ZS5vcmeHBH8AAAEwCgYIKoZIzj0EAwIDSAAwRQIhALeyTLLSNNof3sJegdBNsObB
RLo6QWTPKdPGAEL+WnUtAiBn4ZqNr3IFduuC99LDT+j2r8+j1w7xO6KI17cw6F9m
RA==
-----END CERTIFICATE-----
`;

export const KEY = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgN1XVpJ2AC37RaFJc
pu9wEi+eF7nI3Z8buL44M8OWh7qhRANCAATY2C1CHeTy9aF3XX0H6xgKibxx/vuK
SrIrfg75dQxFSUcgboa8CF0sn0aGEE7OruUVueHN4k7pfqw7dpUkZmqX
-----END PRIVATE KEY-----
`;

/** Removed after the test. */
export function certificateFiles(t: TestContext): { certPath: string; keyPath: string } {
  const directory = mkdtempSync(join(tmpdir(), 'certificate-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const certPath = join(directory, 'cert.pem');
  const keyPath = join(directory, 'key.pem');
  writeFileSync(certPath, CERTIFICATE);
  writeFileSync(keyPath, KEY);
  return { certPath, keyPath };
}
