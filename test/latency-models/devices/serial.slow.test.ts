import { expect, it } from 'vitest';
import { countInstructions, timedProgram } from '../../../deploy/index.js';
import { createDevice, DeviceUnavailable, measureOne, type Measurement } from '../../../latency-models/index.js';
import { describeWith } from '../../deploy/edge/c/support/compilers.js';
import { client, testAgent } from './agents.js';
import { boardModel, testBoard, type TestBoard } from './boards.js';

const measure = async ({ device }: TestBoard, seed = 1): Promise<Measurement> =>
  measureOne(createDevice(device), await boardModel(seed));

/** So many runs. */
const longer = (runs: number) =>
  ({ warmupMs: 0, blockMs: 0, minRuns: runs, maxRuns: runs, minBlocks: 1, maxBlocks: 1, tolerance: 1 }) as const;

describeWith(['arm-none-eabi-gcc', 'qemu-system-arm'], 'a board on a serial line', () => {
  it('gives the time of each network, as its clock counts', async () => {
    const board = testBoard();
    const models = [await boardModel(1), await boardModel(2)];
    const progress: number[] = [];
    const device = createDevice(board.device);
    const measured = await device.measureAll(models, undefined, { onProgress: (done) => progress.push(done) });
    for (const [i, { ms, interval, environment, reliable, provenance, samples }] of measured.entries()) {
      // An instruction takes a nanosecond of this board's time.
      const count = await countInstructions(await timedProgram(models[i], 'model'), 'cortex-m4');
      expect(Math.abs(1e6 * ms - count)).toBeLessThan(100);
      expect(interval[1] - interval[0]).toBeLessThan(0.0002);
      expect({ reliable, provenance, runs: samples.length }).toEqual({
        reliable: true,
        provenance: 'measured',
        runs: 5,
      });
      expect(environment).toMatchObject({ device: 'serial/QEMU M4', precision: 'int8', batch: 1, provider: 'c' });
      expect(environment.runtime).toMatch(/^C of nas .*, GCC \d+\.\d+.*, a clock of 25000000 Hz$/);
    }
    expect(measured[0].ms).not.toBe(measured[1].ms);
    expect(progress.at(-1)).toBe(80);
  });

  it('is measured through an agent', async () => {
    const { device } = testBoard();
    const agent = await testAgent({ device });
    const measured = await measureOne(client(agent), await boardModel(1));
    expect(measured.environment.notes).toContain('measured by serial/QEMU M4');
    expect(measured.ms).toBeGreaterThan(0.1);
  });

  it('is measured through noise: damaged lines never count', async () => {
    const clean = await measure(testBoard());
    const says = `static void board_print(const char *text) {
  static uint32_t calls;
  char line[128];
  int32_t n = 0;
  for (; text[n]; n++) line[n] = text[n];
  line[n] = 0;
  if (calls % 3u == 1u) line[25] = '9';
  if (calls % 3u == 2u) print("\\x80\\x07\\xff");
  calls++;
  print(line);
}`;
    const { ms, environment } = await measure(testBoard({ says }));
    expect(Math.abs(ms - clean.ms)).toBeLessThan(0.0001);
    expect(environment.notes?.join()).toMatch(/\d+ lines? without a valid checksum/);
  });

  const resets = (times: number, after: number): string => `static void board_print(const char *text) {
  static uint32_t calls;
  volatile uint32_t *starts = (volatile uint32_t *)0x20300000;
  print(text);
  if (++calls == ${after}u && *starts < ${times}u) {
    *starts = *starts + 1u;
    *(volatile uint32_t *)0xE000ED0Cu = 0x05FA0004u;
  }
}`;

  it('is measured over a reset, which is noted, and given up when it is reset again and again', async () => {
    const board = testBoard({ says: resets(1, 400) });
    const { ms, environment } = await measureOne(createDevice(board.device), await boardModel(1), longer(800));
    const clean = await measure(testBoard());
    expect(Math.abs(ms - clean.ms)).toBeLessThan(0.0001);
    expect(environment.notes).toContain('the board was reset 1 time meanwhile');
    await expect(measure(testBoard({ says: resets(100, 2) }))).rejects.toThrow(
      'the board was reset 4 times while it was measured',
    );
  });

  it.each([
    ['says nothing', 'static void board_print(const char *text) { (void)text; (void)print; }', 'nothing came'],
    [
      'prints something else',
      'static void board_print(const char *text) { (void)text; print("\\x80 hello\\r\\n"); }',
      'none of them of nas_bench()',
    ],
  ])('that %s is reported', async (_, says, message) => {
    const measuring = measure(testBoard({ says, silence_s: 2 }));
    await expect(measuring).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(measuring).rejects.toThrow(message);
  });

  it('with another program is reported, when nothing is flashed or the flashing does nothing', async () => {
    const board = testBoard({ silence_s: 2 });
    await measure(board, 1);
    const { port } = board.device as { readonly port: string };
    const model = await boardModel(2);
    const same = createDevice({ type: 'serial', port, baud: 115_200, silence_s: 2 });
    await expect(measureOne(same, model)).rejects.toThrow('runs the benchmark of another network');
    expect((await measureOne(same, await boardModel(1))).ms).toBeGreaterThan(0);
    const idle = createDevice({ type: 'serial', port, baud: 115_200, silence_s: 2, flash: 'true' });
    await expect(measureOne(idle, model)).rejects.toMatchObject({
      hint: expect.stringContaining('did not write') as string,
    });
  });

  it('is measured when the line is lost for a moment, and given up when it stays away', async () => {
    const board = testBoard({ silence_s: 3 });
    const long = longer(2000);
    const model = await boardModel(1);
    const cutAt = (run: number, cut: () => void) => {
      let isCut = false;
      // The first run after a start is not counted: the number of runs may come twice.
      const onProgress = (done: number): void => {
        if (done < run || isCut) return;
        isCut = true;
        cut();
      };
      return { onProgress };
    };
    const device = createDevice(board.device);
    const { environment } = await measureOne(device, model, long, cutAt(20, board.replug));
    expect(environment.notes?.join()).toMatch(/the serial line was lost|the board was reset/);
    await expect(measureOne(device, model, long, cutAt(20, board.unplug))).rejects.toBeInstanceOf(DeviceUnavailable);
  });

  it('passes errors of its caller on: they are no lost line', async () => {
    const { device } = testBoard();
    const options = {
      onProgress: () => {
        throw new RangeError('a defect of the caller');
      },
    };
    await expect(measureOne(createDevice(device), await boardModel(1), undefined, options)).rejects.toThrow(RangeError);
  });

  it('that computes wrongly, or whose clock is not what it says, has no latency', async () => {
    const broken = testBoard({
      change: "sed -i 's/int32_t i = 0; i < \\([0-9]*\\); i++) layers/int32_t i = 1; i < \\1; i++) layers/' model.c",
    });
    await expect(measure(broken)).rejects.toThrow(/the board computes \d+ outputs? of the network wrongly/);
    const slow = testBoard({ defines: ['-DNAS_BENCH_HZ=2500'] });
    await expect(measure(slow)).rejects.toThrow('but they took at most');
  });

  it('that cannot be built or written is reported with what the command said', async () => {
    await expect(measure(testBoard({ change: 'echo no room >&2 && false' }))).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('ended with exit code 1: no room') as string,
    });
    await expect(measure(testBoard({ flash: 'echo no probe; exit 3' }))).rejects.toBeInstanceOf(DeviceUnavailable);
  });

  it('ends at once when the user stops', async () => {
    const stop = new AbortController();
    const { device } = testBoard();
    const long = longer(1e6);
    const options = { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped by the user')) };
    await expect(measureOne(createDevice(device), await boardModel(1), long, options)).rejects.toThrow(
      'stopped by the user',
    );
  });
});

it('a port that does not exist is named', async () => {
  const device = createDevice({ type: 'serial', port: '/dev/nothing', baud: 115_200, silence_s: 0.5 });
  await expect(measureOne(device, await boardModel(1))).rejects.toThrow(
    '/dev/nothing: no run of the network for 0.5 s',
  );
});
