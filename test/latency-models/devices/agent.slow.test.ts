import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { deviceSchema, DeviceUnavailable, measureOne, type Agent } from '../../../latency-models/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { freePort } from '../../support/valkey.js';
import { client, testAgent } from './agents.js';
import { describeDevice } from './contract.js';
import { large, notAModel, small } from './models.js';
import { measureQuickly, quickProtocol } from './quick-protocol.js';

/** Takes about two seconds. */
const long = { ...quickProtocol, blockMs: 40, maxRuns: 10_000, minBlocks: 40, maxBlocks: 40 };

describeDevice({
  name: 'agent',
  make: async () => client(await testAgent()),
  small,
  large,
  impossible: notAModel,
  provenance: 'measured',
});

/** Replaces a folder by a file: nothing can be written into it, as on a full disk. */
function block(folder: string): void {
  rmSync(folder, { recursive: true });
  writeFileSync(folder, '');
}

describe('an agent', () => {
  it('measures again with other settings', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const first = await measureQuickly(client(agent), small, { id: 'one' });
    await agent.close();
    const other = await testAgent({ directory, device: deviceSchema.parse({ threads: 2 }) });
    const again = await measureQuickly(client(other), small, { id: 'one' });
    expect([first, again].map(({ environment }) => environment.threads)).toEqual([1, 2]);
    expect(again.samples).not.toEqual(first.samples);
  });

  it('returns results when its disk is full, and rejects models that it cannot store', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const device = client(agent, { patience_s: 60 });
    block(join(directory, 'nas-agent/measurements'));
    expect((await measureQuickly(device, small)).ms).toBeGreaterThan(0);
    block(join(directory, 'nas-agent/models'));
    const failure = measureQuickly(device, large);
    await expect(failure).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(failure).rejects.toThrow(/has no room: .*nas-agent\/models/);
  });

  it('measures again when it is restarted during a measurement, with a note', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const port = Number(new URL(agent.address).port);
    let restarted: Promise<Agent> | undefined;
    const onProgress = (done: number) => {
      if (done > 0) restarted ??= agent.close().then(() => testAgent({ directory, port }));
    };
    const measurement = await measureOne(client(agent), small, long, { onProgress });
    expect(restarted).toBeDefined();
    expect(measurement.environment.notes).toContain('measured again after 1 interrupted measurement');
  });

  it('is unavailable when it is gone', async () => {
    const agent = await testAgent();
    const options = { onProgress: () => void agent.close() };
    const failure = measureOne(client(agent, { patience_s: 0.3 }), small, long, options);
    await expect(failure).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(failure).rejects.toThrow(/has not answered for 0.3 s/);
  });

  it('may start after its client', async () => {
    const port = await freePort();
    const measuring = measureQuickly(client({ address: `http://127.0.0.1:${port}` }), small);
    await sleep(300);
    await testAgent({ port });
    expect((await measuring).ms).toBeGreaterThan(0);
  });
});
