import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadExperiment } from '../../experiments/index.js';
import { commandLinesIn, documentsOf, examples, expectKnown, readExample, shellOf } from './examples.js';

const text = z.string();
const portsSchema = z.array(z.object({ port: z.union([z.number(), text]), targetPort: text.optional() }));

/** The checked part of a manifest. */
const manifestSchema = z.object({
  kind: text,
  metadata: z.object({ name: text, namespace: text.optional() }),
  spec: z
    .object({ selector: z.unknown().optional(), ports: portsSchema.optional(), template: z.unknown().optional() })
    .optional(),
});

const podSchema = z.object({
  metadata: z.object({ labels: z.record(text, text) }),
  spec: z.object({
    containers: z.tuple([
      z.object({
        image: text,
        args: z.array(text),
        ports: z.array(z.object({ name: text, containerPort: z.number() })).default([]),
        volumeMounts: z.array(z.object({ name: text, mountPath: text })),
      }),
    ]),
    volumes: z.array(
      z.object({
        name: text,
        secret: z.object({ secretName: text }).optional(),
        configMap: z.object({ name: text }).optional(),
        persistentVolumeClaim: z.object({ claimName: text }).optional(),
      }),
    ),
  }),
});

const manifests = readdirSync(join(examples, 'kubernetes')).flatMap((name) =>
  documentsOf(join('kubernetes', name)).map((document) => manifestSchema.parse(document)),
);
const named = (kind: string, name: string) => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const pods = manifests.flatMap(({ metadata: { name }, spec }) =>
  spec?.template === undefined ? [] : [{ name, ...podSchema.parse(spec.template) }],
);
const podNamed = (name: string) => {
  const found = pods.find((pod) => pod.name === name);
  if (found === undefined) throw new Error(`there is no pod of ${name}`);
  return found;
};

const composeSchema = z.object({
  services: z.record(
    text,
    z.object({
      image: text,
      command: z.array(text),
      secrets: z.array(text),
      volumes: z.array(text),
      hostname: text.optional(),
    }),
  ),
  secrets: z.record(text, z.object({ file: text })),
  volumes: z.record(text, z.unknown()),
});
const compose = composeSchema.parse(documentsOf('compose.yaml')[0]);

const experimentSchema = z.object({
  workers: z.object({
    url: text,
    password_file: text,
    artifacts: z.object({ listen: text, url: text }),
  }),
});
const { workers } = experimentSchema.parse(documentsOf('experiment.yaml')[0]);
/** The command lines of `nas` in the examples and in the guide. */
const commandLines: readonly (readonly string[])[] = [
  ...pods.filter(({ name }) => name !== 'queue').map(({ spec }) => spec.containers[0].args),
  ...['coordinator', 'worker'].map((name) => compose.services[name].command),
  ...commandLinesIn(shellOf('many-machines.md')),
];

const queue = new URL(workers.url);
const artifacts = new URL(workers.artifacts.url);

describe('the example for Kubernetes', () => {
  it('is in one namespace, which it creates', () => {
    named('Namespace', 'nas');
    const others = manifests.filter(({ kind }) => kind !== 'Namespace');
    expect(new Set(others.map(({ metadata: { namespace } }) => namespace))).toEqual(new Set(['nas']));
  });

  it('has the hosts and ports of the experiment', () => {
    for (const [{ hostname, port }, app] of [
      [queue, 'queue'],
      [artifacts, 'coordinator'],
    ] as const) {
      const { spec } = named('Service', hostname);
      const [served] = spec?.ports ?? [];
      const pod = podNamed(app);
      expect(spec?.selector).toEqual({ app });
      expect(pod.metadata.labels).toEqual({ app });
      expect(served.port).toBe(Number(port));
      const [container] = pod.spec.containers;
      expect(container.ports).toEqual([{ name: served.targetPort, containerPort: Number(port) }]);
    }
    expect(workers.artifacts.listen.split(':')[1]).toBe(artifacts.port);
  });

  it('mounts existing volumes, and the password at the path where it is read', () => {
    const made = (kind: string) => manifests.filter((each) => each.kind === kind).map(({ metadata }) => metadata.name);
    for (const { name, spec } of pods) {
      const { volumes, containers } = spec;
      const mounted = containers[0].volumeMounts;
      const there = [...volumes.map((volume) => volume.name), 'data'];
      expect(there, name).toEqual(expect.arrayContaining(mounted.map((mount) => mount.name)));
      const secret = volumes.find((volume) => volume.secret !== undefined);
      expect(made('Secret'), name).toContain(secret?.secret?.secretName);
      const place = mounted.find((mount) => mount.name === secret?.name)?.mountPath;
      expect(`${place ?? ''}/queue-password`, name).toBe(workers.password_file);
      for (const { persistentVolumeClaim } of volumes)
        if (persistentVolumeClaim !== undefined)
          expect(made('PersistentVolumeClaim')).toContain(persistentVolumeClaim.claimName);
    }
  });

  it('has one image for coordinator and workers, because all machines need the same build', () => {
    const [image, other] = ['coordinator', 'worker'].map((name) => podNamed(name).spec.containers[0].image);
    expect(image).toBe(other);
  });

  it('restricts connections to all listening pods by network policies', () => {
    for (const name of ['queue', 'coordinator', 'worker']) named('NetworkPolicy', name);
  });
});

describe('the commands of the examples and of the guide', () => {
  it.each(commandLines.map((words) => [words.join(' '), words] as const))('nas %s: accepts these options', (_, words) =>
    expectKnown(words),
  );

  it('are found', () => expect(commandLines.length).toBeGreaterThan(6));
});

describe('the experiment of the examples', () => {
  it('is valid once the password file exists', () => {
    const file = join(examples, 'experiment.yaml');
    const password = join(examples, 'kubernetes/secret.yaml');
    const { experiment } = loadExperiment(file, { set: [`workers.password_file=${password}`] });
    expect(experiment.name).toBe('many-machines');
  });
});

describe('the example for Compose', () => {
  it('has the hosts of the experiment', () => {
    expect(Object.keys(compose.services)).toContain(queue.hostname);
    expect(compose.services['coordinator'].hostname).toBe(artifacts.hostname);
  });

  it('has the password at the path where it is read, in every service', () => {
    const names = Object.keys(compose.secrets);
    for (const [name, { secrets }] of Object.entries(compose.services)) expect(secrets, name).toEqual(names);
    expect(`/run/secrets/${names.join()}`).toBe(workers.password_file);
    for (const each of ['compose.yaml', 'kubernetes/queue.yaml', 'kubernetes/workers.yaml'])
      expect(readExample(each)).toContain(workers.password_file);
  });

  it('declares the volumes that it mounts', () => {
    const used = Object.values(compose.services).flatMap(({ volumes }) => volumes.map((each) => each.split(':')[0]));
    expect(new Set(used.filter((each) => !each.startsWith('.')))).toEqual(new Set(Object.keys(compose.volumes)));
  });

  it('has one image for coordinator and workers', () => {
    expect(compose.services['coordinator'].image).toBe(compose.services['worker'].image);
  });
});
