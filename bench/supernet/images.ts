import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { invalidInput } from '../../base/errors.js';

/**
 * CIFAR-10's training images as an image folder (`train/<class>/<n>.jpg`), unpacked once into `folder` from the archive
 * beside the folder of peers: `NAS_BENCH_PEERS`, or `../shared/bench`.
 */
export async function cifarImages(folder: string): Promise<string> {
  const images = join(folder, 'cifar10');
  if (existsSync(images)) return join(images, 'train');
  const peers = resolve(process.env['NAS_BENCH_PEERS'] ?? '../shared/bench');
  const archive = join(dirname(peers), 'data', 'cifar10-train.tar.gz');
  if (!existsSync(archive))
    throw invalidInput(`there is no ${archive}`, {
      hint: 'Set NAS_BENCH_PEERS to the folder beside `data`, or give a folder with one folder a class: --images.',
    });
  const unpacked = `${images}.tmp`;
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  await promisify(execFile)('tar', ['xzf', archive, '-C', unpacked]);
  renameSync(unpacked, images);
  return join(images, 'train');
}
