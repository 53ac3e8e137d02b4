import sharp from 'sharp';
import { readFileSync } from 'node:fs';
if (process.env.CACHE !== '1') sharp.cache(false);
sharp.concurrency(Number(process.env.CONC ?? 1));
if (process.env.SIMD) sharp.simd(process.env.SIMD === '1');
const f = readFileSync('/tmp/bs-probe/image.jpg');
const tiny = await sharp(f).resize(16, 16, { fit: 'fill' }).jpeg().toBuffer();
const train = (b) =>
  sharp(b)
    .autoOrient()
    .flatten({ background: 'white' })
    .resize(224, 224, { fit: 'cover' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer();
const variants = { 'tiny decode': () => sharp(tiny).raw().toBuffer(), train: () => train(f) };
const times = Object.fromEntries(Object.keys(variants).map((k) => [k, []]));
for (let i = 0; i < 60; i++)
  for (const [k, v] of Object.entries(variants)) {
    const t = process.cpuUsage();
    await v();
    const d = process.cpuUsage(t);
    if (i > 10) times[k].push([d.user / 1000, d.system / 1000]);
  }
const med = (a) => a.sort((x, y) => x - y)[Math.floor(a.length / 2)];
console.log(
  process.env.LABEL ?? '',
  Object.entries(times)
    .map(
      ([k, v]) =>
        `${k}: user ${med(v.map((x) => x[0])).toFixed(2)} sys ${med(v.map((x) => x[1])).toFixed(2)} all ${med(v.map((x) => x[0] + x[1])).toFixed(2)}`,
    )
    .join('   '),
);
