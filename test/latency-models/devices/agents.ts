import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import {
  createDevice,
  deviceSchema,
  startAgent,
  type Agent,
  type AgentOptions,
  type Device,
} from '../../../latency-models/index.js';
import { temporaryFolder } from '../../support/temporary.js';

export const local = deviceSchema.parse('local');

/** Where agents keep tokens of their own. */
const state = mkdtempSync(join(tmpdir(), 'nas-agent-state-'));

/** An agent in this process, over real HTTP on a free port; it ends with the test. */
export async function testAgent(options: Partial<AgentOptions> = {}): Promise<Agent> {
  vi.stubEnv('XDG_STATE_HOME', state);
  const directory = options.directory ?? join(temporaryFolder(), 'agent');
  const agent = await startAgent({
    host: '127.0.0.1',
    port: 0,
    device: local,
    maxModelBytes: 2 ** 20 * 8,
    ...options,
    directory,
  });
  onTestFinished(() => {
    vi.unstubAllEnvs();
    return agent.close();
  });
  return agent;
}

/** The device that measures with an agent. */
export const client = ({ address }: Pick<Agent, 'address'>, options: object = {}): Device =>
  createDevice(deviceSchema.parse({ type: 'agent', url: address, patience_s: 5, ...options }));

/** Headers of this user's programs. */
export const headersFor = ({ tokenFile = '' }: Agent) => ({
  authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`,
});
