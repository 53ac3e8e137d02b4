import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { readFrontier, startServer } from '../../serve/index.js';
import { greyNetworks, writeFrontier } from '../serve/models.js';
import { temporaryFolder } from '../support/temporary.js';
import { commandLinesIn, documentsOf, examples, expectKnown, readExample, shellOf } from './examples.js';

const text = z.string();
const probe = z.object({ httpGet: z.object({ path: text, port: text }) });

const deploymentSchema = z.object({
  spec: z.object({
    selector: z.object({ matchLabels: z.record(text, text) }),
    template: z.object({
      metadata: z.object({ labels: z.record(text, text), annotations: z.record(text, text) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.tuple([
          z.object({
            image: text,
            args: z.array(text),
            ports: z.array(z.object({ name: text, containerPort: z.number() })),
            startupProbe: probe,
            readinessProbe: probe,
            livenessProbe: probe,
            resources: z.object({ limits: z.object({ cpu: text, memory: text }) }),
            volumeMounts: z.array(z.object({ name: text, mountPath: text })),
          }),
        ]),
        volumes: z.array(z.object({ name: text, secret: z.object({ secretName: text }) })),
      }),
    }),
  }),
});

const manifestSchema = z.looseObject({ kind: text, metadata: z.object({ name: text, namespace: text.optional() }) });
const folder = 'serve/kubernetes';
const manifests = readdirSync(join(examples, folder)).flatMap((name) =>
  documentsOf(join(folder, name)).map((document) => manifestSchema.parse(document)),
);
const named = (kind: string, name: string) => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const { spec } = deploymentSchema.parse(named('Deployment', 'classifier'));
const [container] = spec.template.spec.containers;
const valuesOf = (name: string): readonly string[] =>
  container.args.flatMap((word) => (word.startsWith(`--${name}=`) ? [word.slice(name.length + 3)] : []));
const optionOf = (name: string): string | undefined => valuesOf(name).at(0);

describe('the example of a server for Kubernetes', () => {
  it('is in one namespace, which it creates', () => {
    named('Namespace', 'classifier');
    const others = manifests.filter(({ kind }) => kind !== 'Namespace');
    expect(new Set(others.map(({ metadata: { namespace } }) => namespace))).toEqual(new Set(['classifier']));
  });

  it('probes the port and the paths that the server answers', () => {
    expect(container.ports).toEqual([{ name: 'http', containerPort: Number(optionOf('port')) }]);
    for (const { httpGet } of [container.startupProbe, container.readinessProbe, container.livenessProbe])
      expect(httpGet.port).toBe('http');
    expect(container.readinessProbe.httpGet.path).toBe('/v2/health/ready');
    expect(container.livenessProbe.httpGet.path).toBe('/v2/health/live');
    expect(JSON.stringify(named('Service', 'classifier')['spec'])).toContain('"targetPort":"http"');
  });

  it('mounts the token at the path where it is read, and selects its own pods', () => {
    const [{ mountPath, name }] = container.volumeMounts;
    const secret = spec.template.spec.volumes.find((volume) => volume.name === name)?.secret.secretName;
    named('Secret', secret ?? '');
    expect(optionOf('token-file')).toBe(`${mountPath}/token`);
    expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels);
  });

  it('gives a pod time to finish its requests before it stops, and has one CPU per thread', () => {
    const longest = Number(optionOf('drain-ms')) + Number(optionOf('budget-ms'));
    expect(spec.template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(longest);
    expect(container.resources.limits.cpu).toBe(optionOf('workers'));
  });

  it('answers under the names of its Service, and a scraper without a token', async () => {
    const { name, namespace = '' } = named('Service', 'classifier').metadata;
    const token = 'correct horse battery staple';
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    const server = await startServer({
      read: () => readFrontier(folder),
      host: '127.0.0.1',
      port: 0,
      token,
      names: valuesOf('name'),
      hasOpenMetrics: container.args.includes('--open-metrics'),
      workers: 'inline',
      decoders: 1,
      maxQueue: 8,
      maxBatch: 1,
      budgetMs: 1000,
      log: pino({ level: 'silent' }),
    });
    onTestFinished(() => server.close());
    const port = Number(new URL(server.address).port);
    const statusOf = async (path: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> => {
      const [response] = (await once(get({ port, path, headers }), 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    const authorization = `Bearer ${token}`;
    for (const host of [
      name,
      `${name}.${namespace}`,
      `${name}.${namespace}.svc`,
      `${name}.${namespace}.svc.cluster.local`,
    ])
      expect([host, await statusOf('/v2', { host, authorization })]).toEqual([host, 200]);
    expect(await statusOf('/v2', { host: 'other.classifier.svc', authorization })).toBe(403);
    const { annotations } = spec.template.metadata;
    expect(annotations['prometheus.io/port']).toBe(optionOf('port'));
    expect(await statusOf(annotations['prometheus.io/path'], { host: '10.1.2.3:8080' })).toBe(200);
  });

  it('has the image and the command of the Dockerfile beside it', () => {
    const dockerfile = readExample('serve/Dockerfile');
    expect(dockerfile).toContain(`-t ${container.image}`);
    const [, command] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? [];
    expect(container.args).toEqual(expect.arrayContaining(z.array(text).parse(JSON.parse(command))));
  });
});

const commandLines = [
  container.args,
  ...['serve/nginx.conf', 'serve/Dockerfile'].flatMap((name) => commandLinesIn(readExample(name))),
  ...commandLinesIn(shellOf('serving.md')),
];

describe('the commands of the examples and of the guide to serving', () => {
  it.each(commandLines.map((words) => [words.join(' '), words] as const))('nas %s: accepts these options', (_, words) =>
    expectKnown(words),
  );

  it('are found', () => expect(commandLines.length).toBeGreaterThan(6));
});
