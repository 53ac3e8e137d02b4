interface Shape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The most pixels of a thumbnail's longer side: enough for half of it on screens of twice the density. */
export const thumbnailSide = 192;

/** A small WebP file of an image. @param pixels [height, width, channels] */
export async function thumbnail(pixels: Uint8Array, { height, width, channels }: Shape): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  return sharp(pixels, { raw: { height, width, channels: channels === 1 ? 1 : 3 } })
    .resize({ width: thumbnailSide, height: thumbnailSide, fit: 'inside', withoutEnlargement: true })
    .webp({ nearLossless: true, quality: 60 })
    .toBuffer();
}
