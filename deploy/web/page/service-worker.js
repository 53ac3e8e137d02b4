/**
 * Caches the files of the page, so that it works offline from the second visit on. Files with a hash in their names never
 * change, so the cache answers for them. The page itself comes from the network, or from the cache when offline; the cache
 * keeps the files that it names.
 */
// Pages of one host share its caches: each has its own, by its folder.
const cacheName = `nas-classifier ${registration.scope}`;
const own = caches.open(cacheName);
const hashed = /[\w.-]+\.[0-9a-f]{16}\.\w+/g;

/** Caches a page and the files that it names, and deletes all others. */
async function keep(page) {
  const cache = await own;
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
        () => own.then((cache) => cache.match(registration.scope)),
      ),
    );
  else if (new URL(request.url).pathname.match(hashed))
    event.respondWith(own.then(async (cache) => (await cache.match(request.url)) ?? fetch(request)));
});
