import fc from 'fast-check';
import { expect, it } from 'vitest';
import { filesOf } from '../../../../serve/http/images/form.js';

const head = 'Content-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n';

function formOf(files: readonly Uint8Array[], boundary: string, preamble = ''): Buffer {
  const parts = files.flatMap((file) => [Buffer.from(`--${boundary}\r\n${head}`), file, Buffer.from('\r\n')]);
  return Buffer.concat([Buffer.from(preamble), ...parts, Buffer.from(`--${boundary}--\r\nepilogue`)]);
}

const pieces = fc.constantFrom('\r\n', '--', 'b', '\r\n--', '\0', '\r\n\r\n', 'x');
const file = fc.array(pieces, { maxLength: 20 }).map((all) => Buffer.from(all.join(''), 'latin1'));

it('a form gives its files, whatever bytes they have', () => {
  fc.assert(
    fc.property(fc.array(file, { minLength: 1, maxLength: 5 }), fc.boolean(), (files, hasPreamble) => {
      const boundary = 'a boundary of many letters';
      const form = formOf(files, boundary, hasPreamble ? 'to be ignored\r\n' : '');
      const read = filesOf(form, `multipart/form-data; charset=utf-8; boundary="${boundary}"`, 5);
      expect(read.map((one) => Buffer.from(one))).toEqual(files);
    }),
  );
});

it('a form that is cut anywhere is damaged', () => {
  const form = formOf([Buffer.from('one'), Buffer.from('two')], 'x');
  const end = form.indexOf('--x--');
  for (let length = 0; length < end + 4; length++)
    expect(() => filesOf(form.subarray(0, length), 'multipart/form-data; boundary=x', 5)).toThrow(/the form/);
  expect(filesOf(form.subarray(0, end + 5), 'multipart/form-data; boundary=x', 5)).toHaveLength(2);
});

it('a form of 5,000 parts is refused after the first too many', () => {
  const form = formOf(new Array<Uint8Array>(5000).fill(Buffer.alloc(1)), 'x');
  expect(() => filesOf(form, 'multipart/form-data; boundary=x', 64)).toThrow('the form has more than 64 images');
});

it.each([
  ['a file', head],
  ['a field', 'Content-Disposition: form-data; name="top"\r\n\r\n'],
  ['a part without headers', '\r\n'],
])('%s is told from others', (what, headers) => {
  const read = () => filesOf(Buffer.from(`--x\r\n${headers}5\r\n--x--`), 'multipart/form-data; boundary=x', 5);
  if (what === 'a file') expect(read()).toHaveLength(1);
  else expect(read).toThrow('a part of the form is not a file');
});
