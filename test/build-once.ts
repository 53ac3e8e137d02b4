import { execFileSync } from 'node:child_process';

/** Tests of the command and of worker processes run the built files, as users do. */
export default function setup(): void {
  if (process.env['NAS_TEST_NO_BUILD'] !== undefined) return;
  execFileSync('npm', ['run', 'build', '--silent'], { stdio: 'inherit' });
  // Several projects need them, and each has its own copy of this module.
  process.env['NAS_TEST_NO_BUILD'] = '1';
}
