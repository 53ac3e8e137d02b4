/** How often a process looks at its memory. */
const everyMs = 1000;

/**
 * Tells, once, when this process holds more than so many bytes of resident memory. It looks between two pieces of work: what
 * is taken and given back within one is not seen.
 */
export function watchMemory(bytes: number, exceeded: (resident: number) => void): { end(): void } {
  const timer = setInterval(() => {
    const resident = process.memoryUsage.rss();
    if (resident <= bytes) return;
    clearInterval(timer);
    exceeded(resident);
  }, everyMs);
  timer.unref();
  return { end: () => clearInterval(timer) };
}
