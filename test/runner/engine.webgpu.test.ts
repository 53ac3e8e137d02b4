import { expect, it } from 'vitest';
import { tryWebGpu } from '../../compiler/index.js';
import { settleEngine, type RecordedEnvironment } from '../../runner/engine.js';
import { placeOf } from '../../trainers/engines/index.js';
import { engineSchema, type EngineChoice } from '../../trainers/index.js';
import { describeOnWebGpu } from '../support/webgpu.js';

interface Settled {
  readonly engine: EngineChoice;
  readonly warnings: readonly string[];
}

async function settled(
  written: object,
  before: RecordedEnvironment | null,
  acceptEnvironment = false,
): Promise<Settled> {
  const warnings: string[] = [];
  const engine = await settleEngine(engineSchema.parse(written), {
    before,
    acceptEnvironment,
    observe: (event) => {
      if (event.kind === 'warning') warnings.push(event.message);
    },
  });
  return { engine, warnings };
}

describeOnWebGpu('the engine of a run', () => {
  it('is on the adapter that WebGPU takes; one that is software is warned of, and never taken unasked', async () => {
    const { taken } = (await tryWebGpu()).adapters;
    const isCard = taken?.kind === 'hardware';
    const asked = await settled({ provider: 'webgpu' }, null);
    expect(asked.engine).toMatchObject({ provider: 'webgpu', adapter: taken });
    expect(asked.warnings).toHaveLength(taken?.kind === 'software' ? 1 : 0);
    expect(placeOf((await settled({}, null)).engine).provider).toBe(isCard ? 'webgpu' : 'cpu');
  });

  it.skipIf(process.platform !== 'linux')('is on the adapter that is named, or refused', async () => {
    const [adapter] = (await tryWebGpu()).adapters.all;
    const { engine } = await settled({ provider: 'webgpu', device: adapter.name.slice(0, 8) }, null);
    expect(engine).toMatchObject({ provider: 'webgpu', device: adapter.id, adapter: { name: adapter.name } });
    await expect(settled({ provider: 'webgpu', device: 'abacus' }, null)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining(adapter.name) as string,
    });
  });

  it('stays what the run began with', async () => {
    expect((await settled({}, { provider: 'cpu' })).engine).toMatchObject({ provider: 'cpu' });
    expect((await settled({}, { provider: 'webgpu' })).engine).toMatchObject({ provider: 'webgpu' });
  });

  it('is refused where the card of the run is gone, unless another environment is accepted', async () => {
    const before = { provider: 'abacus', adapter: 'AMD Radeon RX 6800' };
    await expect(settled({}, before)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('the run began on abacus (AMD Radeon RX 6800), which is not here') as string,
      hint: expect.stringContaining('--accept-environment') as string,
    });
    expect((await settled({}, before, true)).engine.type).toBe('compiled');
    if ((await tryWebGpu()).adapters.taken?.kind !== 'software') return;
    await expect(settled({}, { ...before, provider: 'webgpu' })).rejects.toThrow(/there is only .* \(software/);
  });
});
