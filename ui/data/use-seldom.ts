import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';

/**
 * A signal's value, read anew at most every so many ms: what draws much draws seldom, however often it changes. The last
 * change is always seen.
 */
export function useSeldom<T>(signal: ReadonlySignal<T>, ms: number): T {
  const [value, setValue] = useState<T>(() => signal.peek());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = -Infinity;
    let seen = value;
    const read = (): void => {
      timer = undefined;
      // Being told of what is shown already delays nothing: what comes next is shown at once.
      if (Object.is(signal.peek(), seen)) return;
      last = performance.now();
      seen = signal.peek();
      setValue(() => seen);
    };
    const end = signal.subscribe(() => {
      const wait = last + ms - performance.now();
      if (wait <= 0) read();
      else timer ??= setTimeout(read, wait);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [signal, ms]);
  return value;
}
