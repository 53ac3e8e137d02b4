import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ResponseReader } from '../../../bench/serve/load/response-reader.js';

const answer = (status: number, body: string, closes: boolean): string =>
  `HTTP/1.1 ${status} Whatever\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${closes ? 'connection: close\r\n' : ''}\r\n${body}`;

test('answers are the same, however they are cut', () => {
  const response = fc.record({
    status: fc.integer({ min: 200, max: 599 }),
    closes: fc.boolean(),
    body: fc.string({ unit: 'binary' }),
  });
  fc.assert(
    fc.property(fc.array(response, { maxLength: 5 }), fc.array(fc.nat(400)), (responses, cuts) => {
      const bytes = Buffer.from(responses.map(({ status, body, closes }) => answer(status, body, closes)).join(''));
      const bounds = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const reader = new ResponseReader();
      const read = bounds.slice(1).flatMap((to, i) => reader.push(bytes.subarray(bounds[i], to)));
      expect(read.map(({ body, ...rest }) => ({ ...rest, body: body.toString() }))).toEqual(responses);
    }),
  );
});

test('an answer that does not say its length is refused', () => {
  expect(() => new ResponseReader().push(Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'))).toThrow(
    'no answer of HTTP/1.1 with a Content-Length',
  );
});
