import { BadImage } from './types.js';

/** How files begin; null: any byte. */
const beginnings: readonly (readonly (number | null)[])[] = [
  [0xff, 0xd8, 0xff], // JPEG
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], // PNG
  [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50], // WebP: RIFF, its length, WEBP
];

/**
 * Decoders of other formats are never reached: what a file is, its first bytes tell, whatever its name or content type.
 * @throws BadImage 415 when they are not those of JPEG, PNG or WebP.
 */
export function requireFormat(file: Uint8Array): void {
  if (beginnings.some((bytes) => bytes.every((byte, i) => byte === null || file[i] === byte))) return;
  const found = file.length === 0 ? 'nothing' : `${file.length} bytes that begin with ${JSON.stringify(textOf(file))}`;
  throw new BadImage(415, `expected an image in JPEG, PNG or WebP, found ${found}`);
}

/** The first bytes, those outside ASCII as dots. */
const textOf = (file: Uint8Array): string =>
  Array.from(file.subarray(0, 12), (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
