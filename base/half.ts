/** The nearest whole number; of two that are as near, the even one. */
function toEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

/** The bits of the float16 next to a float32, given as its bits, too. */
function halfOf(value: number, bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (Number.isNaN(value)) return sign | 0x7e00;
  // From 65520 on, infinity is nearer than the largest number, 65504.
  if (Math.abs(value) >= 65520) return sign | 0x7c00;
  // Below 2^-14, numbers are multiples of 2^-24.
  if (Math.abs(value) < 2 ** -14) return sign | toEven(Math.abs(value) * 2 ** 24);
  // The exponent counts from 2^-15 instead of 2^-127, and 13 bits of the fraction are rounded away.
  return sign | toEven((magnitude - (112 << 23)) / 2 ** 13);
}

/** Numbers as float16 (IEEE 754 binary16), rounded to nearest, half to even: the bits that stand for them. */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(values, (value, i) => halfOf(value, bits[i]));
}

/** The number that the bits of a float16 stand for. */
function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >>> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let all: Float32Array | undefined;

/** The numbers that the bits of float16 stand for. */
export function fromHalf(bits: Uint16Array): Float32Array {
  const values = (all ??= Float32Array.from({ length: 1 << 16 }, (_, i) => valueOf(i)));
  // A loop takes a twentieth of the time of Float32Array.from.
  const result = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = values[bits[i]];
  return result;
}
