import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** The bytes of a protobuf field, or of several: a message. */
export type Field = Uint8Array;

const field = (number: number, wire: WireType, write: (writer: BinaryWriter) => BinaryWriter): Field =>
  write(new BinaryWriter().tag(number, wire)).finish();

export const message = (...fields: readonly Field[]): Field => Buffer.concat(fields);
export const double = (number: number, value: number): Field => field(number, WireType.Bit64, (w) => w.double(value));
export const float = (number: number, value: number): Field => field(number, WireType.Bit32, (w) => w.float(value));
export const whole = (number: number, value: number): Field => field(number, WireType.Varint, (w) => w.int64(value));
export const text = (number: number, value: string): Field =>
  field(number, WireType.LengthDelimited, (w) => w.string(value));
export const bytes = (number: number, ...parts: readonly Uint8Array[]): Field =>
  field(number, WireType.LengthDelimited, (w) => w.bytes(message(...parts)));

const castagnoli = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** CRC-32C, masked as TFRecord files have it. */
export function maskedCrc(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = castagnoli[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  crc = ~crc;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A record of a TFRecord file: length and data, each with its checksum. */
function record(data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(maskedCrc(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc(data));
  return Buffer.concat([head, data, tail]);
}

/** An event of TensorBoard: values of a step. */
export interface LoggedEvent {
  /** In ms since 1970. */
  readonly at: number;
  readonly step?: number;
  /** Messages `Summary.Value`. */
  readonly values: readonly Field[];
}

/** The content of an event file. */
export function eventFile(createdAt: number, events: readonly LoggedEvent[]): Uint8Array {
  const first = message(double(1, createdAt / 1000), text(3, 'brain.Event:2'));
  const others = events.map(({ at, step = 0, values }) => {
    const summary = values.map((value) => bytes(1, value));
    return message(double(1, at / 1000), whole(2, step), bytes(5, ...summary));
  });
  return Buffer.concat([first, ...others].map(record));
}
