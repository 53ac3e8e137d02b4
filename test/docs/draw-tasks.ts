import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Random } from '../../base/random.js';

/** Height and width in pixels. */
const size = 32;

/** A picture and the cells of its row. */
type Drawing = (random: Random) => { readonly shapes: string; readonly cells: readonly string[] };

const shade = (random: Random, from: number): string => `rgb(${[0, 1, 2].map(() => from + random.int(90)).join(',')})`;

/** A grey disc of any diameter, anywhere. */
const disc: Drawing = (random) => {
  const [radius, grey] = [2 + 10 * random.uniform(), 120 + random.int(130)];
  const [x, y] = [10 + 12 * random.uniform(), 10 + 12 * random.uniform()];
  const shapes = `<circle cx="${x}" cy="${y}" r="${radius}" fill="rgb(${grey},${grey},${grey})"/>`;
  return { shapes, cells: [(2 * radius).toFixed(2), String(grey)] };
};

/** A circle, a bar and a red square, each of which may be there. */
const things: Drawing = (random) => {
  const at = (room: number): number => room * random.uniform();
  const all = {
    circle: [0.5, `<circle cx="${8 + at(16)}" cy="${8 + at(16)}" r="${4 + at(3)}" fill="${shade(random, 150)}"/>`],
    bar: [0.3, `<rect x="${at(4)}" y="${at(28)}" width="28" height="3" fill="${shade(random, 150)}"/>`],
    red: [0.2, `<rect x="${at(24)}" y="${at(24)}" width="8" height="8" fill="rgb(230,20,20)"/>`],
  } as const;
  const shown = Object.entries(all).filter(([, [share]]) => random.uniform() < share);
  return { shapes: shown.map(([, [, shape]]) => shape).join(''), cells: [shown.map(([name]) => name).join('; ')] };
};

async function drawList(folder: string, name: string, columns: string, count: number, draw: Drawing): Promise<void> {
  mkdirSync(join(folder, name), { recursive: true });
  const random = new Random(7);
  const rows = [`file,${columns}`];
  for (let i = 0; i < count; i++) {
    const ground = shade(random, 10);
    const { shapes, cells } = draw(random);
    const svg = `<svg width="${size}" height="${size}"><rect width="${size}" height="${size}" fill="${ground}"/>${shapes}</svg>`;
    await sharp(Buffer.from(svg))
      .png()
      .toFile(join(folder, name, `${i}.png`));
    rows.push([`${name}/${i}.png`, ...cells].join(','));
  }
  writeFileSync(join(folder, `${name}.csv`), `${rows.join('\n')}\n`);
}

/** Writes the tables `tags.csv` (several labels) and `numbers.csv` (two numbers) with their images. Deterministic. */
export async function drawTasks(folder: string, count: number): Promise<void> {
  await drawList(folder, 'tags', 'tags', count, things);
  await drawList(folder, 'numbers', 'diameter,brightness', count, disc);
}
