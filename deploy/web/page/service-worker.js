/**
 * Keeps what the page needs, so that it works without a network from the second visit on. A name with a hash in it means
 * one content for ever: it is never asked for again. The page itself is asked for first, and kept for when nobody answers;
 * the names in it are the list of what is kept.
 */
const cacheName = 'nas-classifier';
const hashed = /[\w.-]+\.[0-9a-f]{16}\.\w+/g;

/** Keeps a page with what it names, and nothing else. */
async function keep(page) {
  const cache = await caches.open(cacheName);
  const urls = [...new Set((await page.clone().text()).match(hashed))].map(
    (name) => new URL(name, registration.scope).href,
  );
  await Promise.all(urls.map(async (url) => (await cache.match(url)) ?? cache.add(url)));
  await cache.put(registration.scope, page);
  const wanted = new Set([...urls, registration.scope]);
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
}

addEventListener('install', (event) => {
  skipWaiting();
  event.waitUntil(fetch(registration.scope, { cache: 'no-cache' }).then(keep));
});
addEventListener('activate', (event) => event.waitUntil(clients.claim()));

addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.mode === 'navigate')
    event.respondWith(
      fetch(request).then(
        (page) => {
          if (page.ok) event.waitUntil(keep(page.clone()).catch(() => undefined));
          return page;
        },
        () => caches.match(registration.scope),
      ),
    );
  else if (new URL(request.url).pathname.match(hashed))
    event.respondWith(caches.match(request.url).then((kept) => kept ?? fetch(request)));
});
