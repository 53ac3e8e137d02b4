import type { Answers } from '../../reports/page/api.js';

/** Its key in the local storage, which browsers keep by scheme, host and port. A cookie would go to all ports of the host. */
const key = 'nas-token';

let token: string | null = null;

/** Sends a request with the token, where there is one. */
export const fetchWithToken = (
  url: string,
  { headers, ...init }: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> =>
  fetch(url, { ...init, headers: { ...headers, ...(token !== null && { authorization: `Bearer ${token}` }) } });

/** Takes a token out of the address, and keeps it if the server knows it; otherwise the one that was kept before is used. */
export async function takeToken(): Promise<void> {
  const url = new URL(location.href);
  const given = url.searchParams.get('token');
  const before = (token = localStorage.getItem(key));
  if (given === null) return;
  url.searchParams.delete('token');
  history.replaceState(null, '', url);
  token = given;
  const response = await fetchWithToken('/api/access').catch(() => null);
  const access = response?.ok === true ? ((await response.json()) as Answers['/api/access']) : null;
  if (access?.isKnown === true) localStorage.setItem(key, given);
  else token = before;
}
