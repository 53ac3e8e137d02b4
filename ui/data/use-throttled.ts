import { useEffect, useRef, useState } from 'preact/hooks';

/** A value that changes at most once in so many ms; the latest is never lost. */
export function useThrottled<T>(value: T, interval: number): T {
  const [shown, setShown] = useState(value);
  const latest = useRef(value);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  latest.current = value;
  useEffect(() => {
    if (Object.is(value, shown)) return;
    timer.current ??= setTimeout(() => {
      timer.current = null;
      setShown(() => latest.current);
    }, interval);
  }, [value, shown, interval]);
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
    },
    [],
  );
  return shown;
}
