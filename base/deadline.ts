/**
 * A signal that aborts after some milliseconds. The timer holds it: `AbortSignal.any` holds its sources weakly, and a timeout of
 * `AbortSignal.timeout` that Node.js 20 collects never aborts a request.
 */
export function abortedAfter(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException('no answer in time', 'TimeoutError')), ms).unref();
  return controller.signal;
}
