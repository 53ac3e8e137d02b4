import { describe, expect, test, vi } from 'vitest';
import { DeviceFailure } from '../../../base/errors.js';
import { findCard, listProviders, tryProvider, tryWebGpu } from '../../../compiler/index.js';
import {
  chooseEngine,
  engineAvailability,
  engineSchema,
  nativeForAuto,
  onOthers,
  onProcessor,
  workingNative,
  type EngineConfig,
} from '../../../trainers/index.js';

const config = (values: object): EngineConfig => engineSchema.parse(values);

describe('choosing an engine', () => {
  test('auto is native on a processor, compiled with a card or a provider', async () => {
    const [card, library] = [await findCard(), await workingNative()];
    if ('reason' in library) throw new Error(library.reason);
    const native = library.isa === 'neon' ? onProcessor : { type: 'native', isa: library.isa };
    expect(await chooseEngine(config({}))).toEqual(
      card === null ? native : { ...onProcessor, provider: 'webgpu', adapter: card },
    );
    expect(await chooseEngine(config({ provider: 'cpu' }))).toEqual(onProcessor);
    expect(await chooseEngine(config({ type: 'compiled' }))).toMatchObject({ type: 'compiled' });
  });

  test('without the native library, auto is compiled, native is an error, and one chosen elsewhere a device failure', async () => {
    vi.stubEnv('NAS_NATIVE', 'off');
    const card = await findCard();
    if (card === null) expect(await chooseEngine(config({}))).toBe(onProcessor);
    expect(await nativeForAuto()).toEqual({ reason: 'NAS_NATIVE is off' });
    const wanted = { code: 'invalid-input', message: expect.stringContaining('NAS_NATIVE is off') as string };
    await expect(chooseEngine(config({ type: 'native' }))).rejects.toMatchObject(wanted);
    for (const isa of [null, 'avx2'] as const) {
      const failure: unknown = await chooseEngine({ type: 'native', isa }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DeviceFailure);
      expect(failure).toMatchObject({ hint: expect.stringContaining('engine: compiled') as string });
    }
    expect(await chooseEngine({ type: 'native', isa: null, orCompiled: true })).toBe(onProcessor);
    const [row] = await engineAvailability();
    expect(row).toMatchObject({ engine: 'native', available: false, reason: 'NAS_NATIVE is off' });
    vi.unstubAllEnvs();
  });

  test('an unknown provider is an error that lists the available ones', async () => {
    await expect(chooseEngine(config({ provider: 'abacus' }))).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/"abacus" is not available; there are cpu/) as string,
    });
  });

  test('a provider that does not work here is refused with the reason and the remedy', async () => {
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

  test('an engine chosen for other machines is validated, fails as a device failure, and is never software', async () => {
    expect(await chooseEngine(onOthers('cpu', undefined))).toBe(onProcessor);
    const unknown: unknown = await chooseEngine(onOthers('abacus', 1)).catch((error: unknown) => error);
    expect(unknown).toBeInstanceOf(DeviceFailure);
    expect(unknown).toMatchObject({
      message: expect.stringContaining('"abacus" is not available') as string,
      hint: expect.stringContaining('workers.tag') as string,
    });
    const { trial, adapters } = await tryWebGpu();
    const choice = chooseEngine(onOthers('webgpu', undefined));
    if (trial.reason === null && adapters.taken?.kind !== 'software')
      expect(await choice).toEqual({ ...onProcessor, provider: 'webgpu', adapter: adapters.taken });
    else await expect(choice).rejects.toBeInstanceOf(DeviceFailure);
  });

  test('lists working engines with versions, and reasons for the others', async () => {
    const engines = await engineAvailability();
    const compiled = engines.find(({ engine }) => engine === 'compiled');
    expect(compiled?.version).toMatch(/^onnxruntime-node \d+\./);
    for (const { available, reason } of engines) expect(reason === null).toBe(available);
    const providers = engines.flatMap(({ engine, backend }) => (engine === 'compiled' ? [backend] : []));
    expect(providers).toEqual(listProviders().map(({ name }) => name));
  });
});
