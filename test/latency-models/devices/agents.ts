import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { deviceSchema, startAgent, type Agent, type AgentOptions } from '../../../latency-models/index.js';
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
