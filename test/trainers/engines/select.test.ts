import { describe, expect, test } from 'vitest';
import { findCard, listProviders, tryProvider } from '../../../compiler/index.js';
import { chooseEngine, engineAvailability, engineSchema, type EngineConfig } from '../../../trainers/index.js';

const config = (values: object): EngineConfig => engineSchema.parse(values);

describe('choosing an engine', () => {
  test('auto is compiled, and eager when a backend is named', async () => {
    expect(await chooseEngine(config({}))).toMatchObject({
      type: 'compiled',
      provider: (await findCard()) === null ? 'cpu' : 'webgpu',
    });
    expect(await chooseEngine(config({ backend: 'cpu' }))).toEqual({ type: 'eager', backend: 'cpu' });
  });

  test('an unknown provider is an error that lists what there is', async () => {
    await expect(chooseEngine(config({ provider: 'abacus' }))).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/"abacus" is not available; there are cpu/) as string,
    });
  });

  test('a provider that does not work here is refused, with what is missing and how to get it', async () => {
    const reasons = await Promise.all(
      listProviders().map(async ({ name }) => [name, await tryProvider(name)] as const),
    );
    expect(reasons).toContainEqual(['cpu', null]);
    for (const [provider, reason] of reasons) {
      const choice = chooseEngine(config({ provider }));
      if (reason === null) expect(await choice).toMatchObject({ type: 'compiled', provider, device: null });
      else
        await expect(choice).rejects.toMatchObject({
          code: 'invalid-input',
          message: `the execution provider "${provider}" does not work here: ${reason}`,
          hint: expect.stringContaining(provider === 'cuda' ? 'cuDNN 9' : 'nas doctor') as string,
        });
    }
  });

  test('says what works here, with versions, and why the rest does not', async () => {
    const engines = await engineAvailability();
    expect(engines).toContainEqual(expect.objectContaining({ engine: 'eager', backend: 'cpu', available: true }));
    const compiled = engines.find(({ engine }) => engine === 'compiled');
    expect(compiled?.version).toMatch(/^onnxruntime-node \d+\./);
    for (const { available, reason } of engines) expect(reason === null).toBe(available);
    const providers = engines.flatMap(({ engine, backend }) => (engine === 'compiled' ? [backend] : []));
    expect(providers).toEqual(listProviders().map(({ name }) => name));
  });
});
