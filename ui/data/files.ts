import { fetchWithToken } from './token.js';

/** A URL of a file's bytes, as images and downloads send no token; revoke it after use. */
export async function urlOf(address: string, signal: AbortSignal | null = null): Promise<string> {
  const response = await fetchWithToken(address, { signal });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return URL.createObjectURL(await response.blob());
}

/** Saves what a URL of `URL.createObjectURL` has, and revokes it. */
export function save(name: string, url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.setAttribute('download', name);
  link.click();
  // The download has started long before.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
