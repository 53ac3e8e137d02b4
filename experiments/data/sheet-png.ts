import type { OverlayOptions } from 'sharp';
import type { ContactSheet, SheetImage } from './sheet.js';
import { escaped } from './svg-text.js';

/** Sizes and colours of the picture, in pixels. */
const page = { margin: 28, gap: 6, names: 190, line: 18, ground: '#ffffff', ink: '#1f2933', soft: '#52606d' };
const rowWidth = 1020;
/** Columns of suspicious entries. */
const columns = 2;

/** Cut at the front, since the ends of paths tell them apart. @param width in pixels, of about `size / 1.7` a letter */
function fitted(text: string, width: number, size: number): string {
  const letters = Math.floor((1.7 * width) / size);
  const all = Array.from(text);
  return all.length <= letters ? text : `…${all.slice(1 - letters).join('')}`;
}

interface TextStyle {
  readonly size: number;
  readonly colour: string;
  readonly bold?: boolean;
  readonly width: number;
}

/** Breaks a text into lines. @param width in pixels, of about `size / 1.7` a letter */
function lines(text: string, width: number, size: number): string[] {
  const letters = Math.floor((1.7 * width) / size);
  return text.split(' ').reduce<string[]>((all, word) => {
    const line = all.at(-1);
    return line === undefined || line.length + 1 + word.length > letters
      ? [...all, word]
      : [...all.slice(0, -1), `${line} ${word}`];
  }, []);
}

/** A contact sheet as a PNG file. */
export async function sheetPng(sheet: ContactSheet): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const texts: string[] = [];
  const images: OverlayOptions[] = [];
  const write = (text: string, x: number, y: number, { size, colour, bold = false, width }: TextStyle): void => {
    texts.push(
      `<text x="${x}" y="${y + size}" font-size="${size}" fill="${colour}"${bold ? ' font-weight="700"' : ''}>${escaped(fitted(text, width, size))}</text>`,
    );
  };
  const place = async ({ webp }: SheetImage, left: number, top: number): Promise<void> => {
    const { width, height } = sheet;
    const kernel = sheet.pixelated ? 'nearest' : 'cubic';
    const input = await sharp(Buffer.from(webp, 'base64'))
      .resize(width, height, { fit: 'fill', kernel })
      .png()
      .toBuffer();
    images.push({ input, left, top });
  };
  const { margin, gap, names, line, ink, soft } = page;
  const step = sheet.width + gap;
  const total = 2 * margin + names + Math.floor(rowWidth / step) * step - gap;
  const inner = total - 2 * margin;
  let y = margin;
  const heading = (text: string, note: string | null): void => {
    y += 22;
    write(note === null ? text : `${text}. ${note}`, margin, y, { size: 17, colour: ink, bold: true, width: inner });
    y += 32;
  };

  write(sheet.name, margin, y, { size: 24, colour: ink, bold: true, width: inner });
  y += 36;
  for (const text of sheet.summary.flatMap((sentence) => lines(sentence, inner, 14))) {
    write(text, margin, y, { size: 14, colour: soft, width: inner });
    y += line + 2;
  }
  for (const chart of sheet.charts ?? []) {
    const { data: input, info } = await sharp(Buffer.from(chart)).png().toBuffer({ resolveWithObject: true });
    images.push({ input, left: margin, top: y });
    y += info.height;
  }
  heading(sheet.rowsTitle, sheet.rowsNote);
  for (const { name, detail, images: own } of sheet.rows) {
    const width = names - 14;
    write(name, margin, y, { size: 14, colour: ink, bold: true, width: 0.85 * width });
    for (const [i, text] of detail.entries())
      write(text, margin, y + (i + 1) * line + 2, { size: 12, colour: soft, width });
    for (const [i, image] of own.entries()) await place(image, margin + names + i * step, y);
    y += Math.max(sheet.height, (1 + detail.length) * line) + gap;
  }
  const column = Math.floor(inner / columns);
  for (const { title, note, entries } of sheet.suspicious) {
    heading(title, note);
    for (const [at, entry] of entries.entries()) {
      const left = margin + (at % columns) * column;
      const beside = left + entry.length * step + 6;
      const width = left + column - beside - 10;
      for (const [i, image] of entry.entries()) {
        await place(image, left + i * step, y);
        const top = y + i * Math.max(sheet.height / 2, 2 * line + 4);
        write(image.path, beside, top, { size: 13, colour: ink, width });
        write(image.detail, beside, top + line, { size: 12, colour: soft, width });
      }
      if (at % columns === columns - 1 || at === entries.length - 1) y += Math.max(sheet.height, 4 * line) + gap + 4;
    }
  }
  const height = Math.ceil(y + margin);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="${height}" font-family="Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif">${texts.join('')}</svg>`;
  return sharp({ create: { width: total, height, channels: 3, background: page.ground } })
    .composite([...images, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
}
