import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageFile = (directory: string): string => {
  const file = join(directory, 'package.json');
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return packageFile(dirname(directory));
  }
};

/** The version of nas that runs, from its package.json. */
export function nasVersion(): string {
  const { version } = JSON.parse(packageFile(dirname(fileURLToPath(import.meta.url)))) as { version: string };
  return version;
}
