import { describe, expect, it, vi } from 'vitest';
import { workersSchema } from '../../experiments/schema/workers.js';
import { engineOfRun, type RecordedEnvironment } from '../../runner/engine.js';
import { engineSchema, onProcessor } from '../../trainers/index.js';

const queue = (options: object = {}) => workersSchema.parse({ type: 'queue', url: 'redis://127.0.0.1', ...options });

const settled = (
  engine: object,
  workers: object,
  before: RecordedEnvironment | null = null,
  { acceptEnvironment = false, observe }: { acceptEnvironment?: boolean; observe?: (text: string) => void } = {},
) =>
  engineOfRun(
    { engine: engineSchema.parse(engine), workers: workersSchema.parse(workers) },
    {
      before,
      acceptEnvironment,
      observe: (event) => {
        if (observe === undefined || event.kind !== 'note') expect.unreachable(`${event.kind} was observed`);
        observe(event.message);
      },
    },
  );

describe('the native engine', () => {
  const here = { type: 'pool' };

  it('is that of the run, whatever auto takes now', async () => {
    const began = { provider: 'cpu', native: process.arch === 'x64' ? 'avx2' : 'neon' };
    expect(await settled({}, here, began)).toEqual({ type: 'native', isa: began.native });
    expect(await settled({ type: 'native' }, here, began)).toEqual({ type: 'native', isa: began.native });
    expect(await settled({ type: 'compiled', provider: 'cpu' }, here, began)).toEqual(onProcessor);
    expect(await settled({}, here, { provider: 'cpu' })).toEqual(onProcessor);
  });

  it('is refused where the library of the run is not, unless another environment is accepted', async () => {
    vi.stubEnv('NAS_NATIVE', 'off');
    const began = { provider: 'cpu', native: 'avx2' };
    const refused = {
      code: 'invalid-input',
      message: 'the run began on the native engine (avx2), which is not here: NAS_NATIVE is off',
      hint: expect.stringContaining('--accept-environment') as string,
    };
    await expect(settled({}, here, began)).rejects.toMatchObject(refused);
    await expect(settled({ type: 'native' }, here, began)).rejects.toMatchObject(refused);
    expect(await settled({}, here, began, { acceptEnvironment: true })).toEqual(onProcessor);
    vi.unstubAllEnvs();
  });

  it('is named where auto would take it and it does not work', async () => {
    vi.stubEnv('NAS_NATIVE', 'off');
    const notes: string[] = [];
    const observe = (note: string): void => void notes.push(note);
    if ((await settled({}, here, null, { observe })).type === 'compiled')
      expect(notes).toEqual(['The compiled engine trains, and not the native one: NAS_NATIVE is off']);
    await settled({ type: 'compiled', provider: 'cpu' }, here);
    await settled({}, here, { provider: 'cpu' });
    vi.unstubAllEnvs();
  });

  it('is the best of each machine of a queue; with auto, those without it take the compiled one', async () => {
    const best = { type: 'native', isa: null };
    expect(await settled({ type: 'native' }, queue())).toEqual(best);
    expect(await settled({}, queue())).toEqual({ ...best, orCompiled: true });
    expect(await settled({}, queue(), { provider: 'cpu', native: 'best' })).toEqual({ ...best, orCompiled: true });
  });

  it('has the instruction set with which the run began on one machine, also with a queue', async () => {
    const began = { provider: 'cpu', native: 'avx2' };
    expect(await settled({}, queue(), began)).toEqual({ type: 'native', isa: 'avx2' });
    expect(await settled({ type: 'native' }, queue(), began)).toEqual({ type: 'native', isa: 'avx2' });
    const other = { type: 'native', isa: null, orCompiled: true };
    expect(await settled({}, queue(), began, { acceptEnvironment: true })).toEqual(other);
  });

  it('runs on the processor, without a provider or backend of other engines', () => {
    const issue = (engine: object) => engineSchema.safeParse({ type: 'native', ...engine }).error?.issues[0];
    expect(issue({ provider: 'webgpu' })).toMatchObject({ path: ['provider'] });
    expect(issue({ provider: 'cpu', threads: 2 })).toBeUndefined();
  });
});

describe('the engine of a run with a queue', () => {
  it('is the compiled engine on the processor where the experiment or the run has it', async () => {
    expect(await settled({ type: 'compiled' }, queue({ tag: 'gpu', mixed: true }))).toEqual(onProcessor);
    expect(await settled({ provider: 'cpu' }, queue())).toEqual(onProcessor);
    expect(await settled({}, queue(), { provider: 'cpu' })).toEqual(onProcessor);
  });

  it('is a card of the workers with a tag, and is not tried here', async () => {
    const cards = queue({ tag: 'gpu', mixed: true });
    // No machine has such a provider.
    expect(await settled({ provider: 'abacus' }, cards)).toEqual({ ...onProcessor, provider: 'abacus', untried: true });
    expect(await settled({ provider: 'cuda', device: 1 }, cards)).toMatchObject({ provider: 'cuda', device: '1' });
  });

  it('stays as on the machine where the run began, with workers.tag and workers.mixed', async () => {
    const before = { provider: 'webgpu', adapter: 'AMD Radeon RX 6800' };
    expect(await settled({}, queue({ tag: 'gpu', mixed: true }), before)).toMatchObject({ provider: 'webgpu' });
    await expect(settled({}, queue(), before)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('the run began on webgpu') as string,
      hint: expect.stringContaining('workers.tag') as string,
    });
  });
});
