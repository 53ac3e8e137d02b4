import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Random } from '../../../base/random.js';
import { shellWord } from '../../../base/text.js';
import { deviceSchema, type DeviceConfig } from '../../../latency-models/index.js';
import { createSpace, sampleGenotype, spaceSchema } from '../../../spaces/index.js';
import { initialWeights, toOnnx } from '../../../spaces/models/index.js';
import { temporaryFolder } from '../../support/temporary.js';

/** A network of the space `mobilenet` for images of 16 pixels, untrained. */
export async function boardModel(seed: number): Promise<Uint8Array> {
  const config = spaceSchema.parse({ type: 'mobilenet', preset: 'tiny' });
  const space = await createSpace(config, { input: [16, 16, 3], classes: 5 });
  const network = space.build(sampleGenotype(space, new Random(seed, 'board')));
  return toOnnx({ network, weights: initialWeights(network, seed) });
}

/** Ends the board that runs, and starts it with the new program behind the same port. */
const flash = (folder: string): string => `
cd ${shellWord(folder)}
cp "$1/model.elf" board.elf
if [ -f pid ]; then kill "$(cat pid)" || true; while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.02; done; fi
rm -f "$2"
qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none -icount shift=0 \\
  -semihosting-config enable=on,target=native,chardev=line -chardev pty,id=line,path="$2" -kernel board.elf > log 2>&1 &
echo $! > pid
while [ ! -e "$2" ]; do kill -0 "$(cat pid)"; sleep 0.02; done
`;

export interface TestBoard {
  readonly device: DeviceConfig;
  /** The board leaves the line for a moment. */
  readonly replug: () => void;
  readonly unplug: () => void;
}

/**
 * A Cortex-M4 under QEMU behind a pseudo terminal. Ends with the test.
 * @param says C of a function `board_print(text)`, through which the benchmark prints; default: the line itself
 * @param options of the device
 */
export function testBoard({
  says = 'static void board_print(const char *text) { print(text); }',
  defines = ['-DNAS_BENCH_HZ=25000000'],
  change = '',
  ...options
}: {
  readonly says?: string;
  readonly defines?: readonly string[];
  /** A further shell command of the build. */
  readonly change?: string;
  readonly flash?: string;
  readonly silence_s?: number;
} = {}): TestBoard {
  const folder = temporaryFolder();
  const port = join(folder, 'tty');
  writeFileSync(join(folder, 'flash.sh'), flash(folder));
  writeFileSync(join(folder, 'board.h'), `${says}\n`);
  const main = 'examples/qemu/main.c';
  const gcc = `arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -O2 -ffreestanding -nostdlib ${defines.join(' ')} -I . -I ${shellWord(folder)}`;
  const build = [
    'cd {model}',
    `sed -i 's/NAS_BENCH_HZ, ticks, print)/NAS_BENCH_HZ, ticks, board_print)/; /^static void run/i #include "board.h"' ${main}`,
    ...(change === '' ? [] : [change]),
    `${gcc} -T examples/qemu/board.ld ${main} model.c -lgcc -o model.elf`,
  ].join(' && ');
  const pid = join(folder, 'pid');
  const unplug = (): void => {
    if (existsSync(pid)) spawnSync('kill', [readFileSync(pid, 'utf8').trim()]);
  };
  onTestFinished(unplug);
  const written = `sh -e ${shellWord(join(folder, 'flash.sh'))} {model} {port}`;
  return {
    device: deviceSchema.parse({ type: 'serial', port, board: 'QEMU M4', build, flash: written, ...options }),
    unplug: () => {
      unplug();
      rmSync(port, { force: true });
    },
    replug: () => {
      writeFileSync(join(folder, 'model.elf'), readFileSync(join(folder, 'board.elf')));
      unplug();
      rmSync(port, { force: true });
      setTimeout(() => spawnSync('sh', ['-e', join(folder, 'flash.sh'), folder, port]), 600);
    },
  };
}
