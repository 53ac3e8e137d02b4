import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { drawTasks } from './draw-tasks.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));

const size = 24;
const imagesPerClass = 20;

/** Whether a pixel, relative to the centre, belongs to the shape. */
const shapes: Readonly<Record<string, (x: number, y: number, radius: number) => boolean>> = {
  circles: (x, y, radius) => Math.hypot(x, y) < radius,
  squares: (x, y, radius) => Math.max(Math.abs(x), Math.abs(y)) < radius - 1,
  stripes: (x) => Math.floor((x + size) / 2) % 2 === 0,
};

async function writeImages(folder: string): Promise<void> {
  for (const [name, inside] of Object.entries(shapes)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < imagesPerClass; i++) {
      const pixels = Uint8Array.from({ length: size * size * 3 }, (_, at) => {
        const [x, y] = [Math.floor(at / 3) % size, Math.floor(at / 3 / size)];
        return inside(x - size / 2, y - size / 2, 6 + (i % 5)) ? 220 - 3 * i : 30 + i;
      });
      const image = sharp(pixels, { raw: { width: size, height: size, channels: 3 } });
      await image.png().toFile(join(folder, name, `${i}.png`));
    }
  }
}

/** Packages that the recipes import. */
const packages = ['@tensorflow', '@types', 'onnxruntime-node', 'sharp', 'typescript'];

/**
 * Makes a folder in which the recipes run: a few images, the tables `tags.csv` and `numbers.csv`, the packages, and an `npx` for the commands that this
 * repository has itself.
 */
export async function prepareFolder(folder: string): Promise<void> {
  mkdirSync(join(folder, 'node_modules'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(repository, join(folder, 'node_modules', 'nas'));
  for (const name of packages) symlinkSync(join(repository, 'node_modules', name), join(folder, 'node_modules', name));
  const bin = join(folder, 'bin');
  // The process of the test (`runShell`) says the exit code, and writes what the command prints.
  const send = `curl -sS --unix-socket ${bin}/nas.sock --data-binary @- http://nas/`;
  const script = `#!/bin/sh
    tool=$1; shift
    [ "$tool-$1" != nas-serve ] || tool=process
    case "$tool" in
      nas) code=$(printf '%s\\0' "$PWD" "$$" "$@" | ${send}); cat ${bin}/$$.out; cat ${bin}/$$.err >&2; exit "$code" ;;
      process) exec node ${join(repository, 'dist/cli/main.js')} "$@" ;;
      tsx) exec node --import ${join(repository, 'node_modules/tsx/dist/loader.mjs')} "$@" ;;
      *) echo "no such tool: $tool" >&2; exit 1 ;;
    esac
`;
  writeFileSync(join(bin, 'npx'), script, { mode: 0o755 });
  await writeImages(join(folder, 'images'));
  await drawTasks(folder, 60);
}
