/** A TIFF file of grey floating-point samples of 32 bits, little-endian. */
export function floatTiff(width: number, value: number): Buffer {
  const short = 3;
  const long = 4;
  const pixels = Buffer.from(new Float32Array(width * width).fill(value).buffer);
  const tags = [
    [256, short, width],
    [257, short, width], // height
    [258, short, 32], // bits
    [259, short, 1], // no compression
    [262, short, 1], // black is zero
    [273, long, 8], // offset of the pixels
    [277, short, 1], // channels
    [278, short, width], // rows
    [279, long, pixels.length],
    [339, short, 3], // floating point
  ];
  const directory = Buffer.alloc(2 + 12 * tags.length + 4);
  directory.writeUInt16LE(tags.length, 0);
  for (const [i, [tag, type, content]] of tags.entries()) {
    directory.writeUInt16LE(tag, 2 + 12 * i);
    directory.writeUInt16LE(type, 4 + 12 * i);
    directory.writeUInt32LE(1, 6 + 12 * i);
    directory.writeUInt32LE(content, 10 + 12 * i);
  }
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(8 + pixels.length, 4);
  return Buffer.concat([header, pixels, directory]);
}
