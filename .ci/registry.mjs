// A registry that has one package more than npm's: `node .ci/registry.mjs nas-0.1.0.tgz 6094`. npm reads the npm-shrinkwrap.json of
// packages of a registry only.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , file, port] = process.argv;
const tarball = readFileSync(file);
const manifest = JSON.parse(execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' }));
const { name, version } = manifest;
const others = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
const dist = {
  tarball: `http://127.0.0.1:${port}/${name}/-/${name}.tgz`,
  integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
};
const versions = { [version]: { ...manifest, _hasShrinkwrap: true, dist } };
const known = JSON.stringify({ name, 'dist-tags': { latest: version }, versions });

createServer(({ url }, response) => {
  if (url === `/${name}`) response.setHeader('content-type', 'application/json').end(known);
  else if (dist.tarball.endsWith(url)) response.end(tarball);
  else response.writeHead(307, { location: new URL(url, others).href }).end();
}).listen(port, '127.0.0.1');
