import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventStreamReader } from '../../../ui/data/connection.js';

describe('EventStreamReader', () => {
  it('reads names and data, and keeps the last id, and passes over comments and messages without data', () => {
    const reader = new EventStreamReader();
    expect(
      reader.read(': still there\n\nid: 4\nevent: changes\ndata: {"a":1}\n\nevent: nothing\n\ndata:x\n\n'),
    ).toEqual([
      { event: 'changes', data: '{"a":1}', id: '4' },
      { event: 'message', data: 'x', id: '4' },
    ]);
  });

  it('joins lines of data and takes every line ending', () => {
    const reader = new EventStreamReader();
    expect(reader.read('data: a\r\ndata: b\r\rdata: c\n\n')).toEqual([
      { event: 'message', data: 'a\nb', id: '' },
      { event: 'message', data: 'c', id: '' },
    ]);
  });

  it('reads the same from any pieces', () => {
    const text = 'event: runs\r\ndata: {"text":"a: b"}\r\n\r\n: heart\n\nevent: gone\ndata: 1\ndata: 2\n\n';
    const whole = new EventStreamReader().read(text);
    expect(whole).toHaveLength(2);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        const reader = new EventStreamReader();
        const read = places.slice(1).flatMap((end, i) => [...reader.read(text.slice(places[i], end))]);
        expect(read).toEqual(whole);
      }),
    );
  });
});
