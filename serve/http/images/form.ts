import { Refusal } from '../../../base/server.js';
import { badRequest } from '../refusals.js';

/** Longest headers of a part, in bytes. */
const mostHeaders = 1 << 13;

const lineEnd = Buffer.from('\r\n');
const headersEnd = Buffer.from('\r\n\r\n');

/** At most 70 characters, as in RFC 2046. */
const boundaryOf = (type: string): string | undefined =>
  /;\s*boundary=("[^"]{1,70}"|[^\s;"]{1,70})/i.exec(type)?.[1].replaceAll('"', '');

const isFile = (headers: string): boolean => /^content-disposition:.*;\s*filename\*?=/im.test(headers);

const damaged = (how: string): Refusal => badRequest(`the form is damaged: ${how}`);

/** Refuses a form by its first bytes where they show already that it is damaged or has too many images. @throws Refusal */
export function checkForm(start: Buffer, type: string, most: number): void {
  readForm(start, type, most);
}

/**
 * The files of a form (multipart/form-data, RFC 7578), as views of its bytes.
 * @param most limit of files
 * @throws Refusal 400 when the form is damaged or has a part that is not a file, 413 when it has too many
 */
export function filesOf(form: Buffer, type: string, most: number): readonly Uint8Array[] {
  const { files, missing } = readForm(form, type, most);
  if (missing !== null) throw damaged(missing);
  if (files.length > 0) return files;
  throw badRequest('the form has no image', 'Each part must be an image file with a file name.');
}

/** The files of a form up to its end, or up to where more bytes are missing, and which. */
function readForm(
  form: Buffer,
  type: string,
  most: number,
): { readonly files: readonly Uint8Array[]; readonly missing: string | null } {
  const boundary = boundaryOf(type);
  if (boundary === undefined) throw damaged('its content type has no boundary');
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const files: Uint8Array[] = [];
  // The first delimiter may begin the body, without a line end before it.
  const begins = form.subarray(0, delimiter.length - lineEnd.length).equals(delimiter.subarray(lineEnd.length));
  const first = begins ? -lineEnd.length : form.indexOf(delimiter);
  if (first === -1) return { files, missing: 'its boundary is not in it' };
  let at = first + delimiter.length;
  while (form.toString('latin1', at, at + 2) !== '--') {
    if (form.length < at + lineEnd.length) return { files, missing: 'a boundary has no line end' };
    if (!form.subarray(at, at + 2).equals(lineEnd)) throw damaged('a boundary has no line end');
    // Headers may be missing: then the line end of the boundary is the first of the two.
    const headers = form.subarray(at, at + mostHeaders);
    const length = headers.indexOf(headersEnd);
    if (length < 0) {
      const endless = `the headers of a part do not end within ${mostHeaders} bytes`;
      if (headers.length < mostHeaders) return { files, missing: endless };
      throw damaged(endless);
    }
    if (!isFile(headers.toString('latin1', 0, length)))
      throw badRequest('a part of the form is not a file', 'Each part must be an image file with a file name.');
    if (files.length === most)
      throw new Refusal(413, `the form has more than ${most} images`, 'Send them in several requests.');
    const begin = at + length + headersEnd.length;
    const end = form.indexOf(delimiter, begin - lineEnd.length);
    if (end < 0) return { files, missing: 'it ends early' };
    files.push(form.subarray(begin, Math.max(begin, end)));
    at = end + delimiter.length;
  }
  return { files, missing: null };
}
