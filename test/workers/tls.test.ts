import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectQueue } from '../../workers/connection.js';
import { temporaryFolder } from '../support/temporary.js';
import { freePort, startValkey, valkeyMissing, type Valkey } from '../support/valkey.js';

const without = valkeyMissing !== false || spawnSync('openssl', ['version']).status !== 0;

describe.skipIf(without)('a queue server with TLS (needs valkey-server and openssl)', () => {
  it('is trusted with the configured certificate, and with no other', async () => {
    const folder = temporaryFolder();
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=queue'];
    execFileSync('openssl', [...request, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    const port = await freePort();
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
    const valkey: Valkey = await startValkey({
      args: ['--tls-port', String(port), '--tls-auth-clients', 'no', ...files],
    });
    try {
      const address = { url: `rediss://127.0.0.1:${port}`, prefix: 'nas', insecure: false };
      const ca = readFileSync(cert, 'utf8');
      const connection = await connectQueue({ ...address, ca }, { patienceMs: 0 });
      expect(await connection.redis.ping()).toBe('PONG');
      await connection.close();
      await expect(connectQueue(address, { patienceMs: 0 })).rejects.toMatchObject({
        message: expect.stringContaining('certificate is not accepted here') as string,
        hint: expect.stringContaining('--queue-ca-file') as string,
      });
      const other = { ...address, url: `rediss://localhost:${port}`, ca };
      await expect(connectQueue(other, { patienceMs: 0 })).rejects.toThrow('certificate is not accepted');
      const plain = { ...address, url: `redis://127.0.0.1:${port}` };
      await expect(connectQueue(plain, { patienceMs: 0 })).rejects.toMatchObject({
        hint: expect.stringContaining('rediss://') as string,
      });
    } finally {
      await valkey.stop();
    }
  });
});
