import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { deviceSchema, startAgent, type Agent, type AgentOptions } from '../../../latency-models/index.js';
import { temporaryFolder } from '../../support/temporary.js';

export const local = deviceSchema.parse('local');

/** An agent in this process, over real HTTP on a free port; it ends with the test. */
export async function testAgent(options: Partial<AgentOptions> = {}): Promise<Agent> {
  const directory = options.directory ?? join(temporaryFolder(), 'agent');
  const agent = await startAgent({
    host: '127.0.0.1',
    port: 0,
    device: local,
    maxModelBytes: 2 ** 20 * 8,
    ...options,
    directory,
  });
  onTestFinished(() => agent.close());
  return agent;
}
