/** What a trial's network may be computed in, and kept as: 32-bit floats, or 8-bit integers where it was quantized. */
export const storedPrecisions = ['fp32', 'int8'] as const;
export type StoredPrecision = (typeof storedPrecisions)[number];
