import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import PQueue from 'p-queue';
import sharp from 'sharp';
import { dataSchema, openDataset, prepareDataset } from '../../trainers/index.js';
import { median } from '../../latency-models/statistics.js';

const size = 64;
const [width, height] = [320, 240];
const rounds = 3;

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function costOf(task: () => Promise<unknown>): Promise<Cost> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await task();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** Writes images of Fashion-MNIST, enlarged, in class folders. @returns their paths */
async function writeFiles(folder: string, count: number): Promise<string[]> {
  const dataset = openDataset(await prepareDataset(dataSchema.parse({ type: 'fashion-mnist' })));
  const train = dataset.split('train');
  const raw = { width: dataset.info.width, height: dataset.info.height, channels: 1 } as const;
  const pixels = new Uint8Array(raw.width * raw.height);
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    // The images are sorted by class.
    const position = Math.floor((i * train.count) / count);
    const directory = join(folder, String(train.labels[position]));
    mkdirSync(directory, { recursive: true });
    train.read([position], pixels);
    const path = join(directory, `${i}.jpg`);
    await sharp(pixels, { raw }).resize(width, height, { fit: 'fill' }).toColourspace('srgb').jpeg().toFile(path);
    paths.push(path);
  }
  dataset.close();
  return paths;
}

async function readBySharp(paths: readonly string[]): Promise<void> {
  const queue = new PQueue({ concurrency: 2 * availableParallelism() });
  const read = async (path: string): Promise<unknown> =>
    sharp(await readFile(path))
      .resize(size, size)
      .raw()
      .toBuffer();
  await queue.addAll(paths.map((path) => () => read(path)));
}

/** Compares the conversion of JPEG files with sharp alone. */
export async function compareConversion(count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nas-bench-'));
  try {
    const path = join(folder, 'images');
    const paths = await writeFiles(path, count);
    const config = dataSchema.parse({ type: 'image-folder', path, size });
    const costs: Record<'alone' | 'converted', Cost[]> = { alone: [], converted: [] };
    // The first round loads libraries and fills the caches of the system.
    for (let round = 0; round <= rounds; round++) {
      const alone = await costOf(() => readBySharp(paths));
      const cache = join(folder, String(round));
      const converted = await costOf(() => prepareDataset(config, { cache }));
      if (round === 0) continue;
      costs.alone.push(alone);
      costs.converted.push(converted);
    }
    const of = (name: keyof typeof costs, key: keyof Cost): number => median(costs[name].map((cost) => cost[key]));
    console.log(`${count} JPEG files of ${width} x ${height} to ${size} x ${size}, ${availableParallelism()} cores`);
    for (const [key, unit] of [
      ['seconds', 'wall'],
      ['cpuSeconds', 'CPU'],
    ] as const) {
      const [alone, converted] = [of('alone', key), of('converted', key)];
      console.log(
        `${unit}: sharp alone ${alone.toFixed(2)} s, conversion ${converted.toFixed(2)} s; speed ${(alone / converted).toFixed(2)} of sharp's`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
