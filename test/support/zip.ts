import zlib from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly content: Uint8Array;
  /** It unpacks to the content this often, one after the other; default: once. */
  readonly times?: number;
  /** Default: no flags. */
  readonly flags?: number;
  /** The checksum, where it is known. */
  readonly crc?: number;
  /** Of Unix; default: a regular file. */
  readonly mode?: number;
}

/** Each repetition is blocks of its own, which refer to nothing before them; an empty block ends the stream. */
function deflated(content: Uint8Array, times: number): Buffer {
  if (times === 1) return zlib.deflateRawSync(content);
  const blocks = zlib.deflateRawSync(content, { level: 1, finishFlush: zlib.constants.Z_SYNC_FLUSH });
  return Buffer.concat([...Array<Buffer>(times).fill(blocks), Buffer.from([3, 0])]);
}

/** An archive of these entries. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content, times = 1, flags = 0, crc = zlib.crc32(content), mode = 0o100644 } of entries) {
    const packed = deflated(content, times);
    const common = Buffer.alloc(26);
    for (const [at, value] of [20, flags, 8, 0, 0].entries()) common.writeUInt16LE(value, 2 * at);
    for (const [at, value] of [crc, packed.length, times * content.length].entries())
      common.writeUInt32LE(value, 10 + 4 * at);
    common.writeUInt16LE(name.length, 22);
    const start = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed]);
    const record = Buffer.concat([
      Buffer.from('PK\x01\x02\x14\x03', 'latin1'),
      common,
      Buffer.alloc(14),
      Buffer.from(name),
    ]);
    record.writeUInt32LE((mode << 16) >>> 0, 38);
    record.writeUInt32LE(offset, 42);
    parts.push(start);
    central.push(record);
    offset += start.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  for (const at of [8, 10]) end.writeUInt16LE(entries.length, at);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}
