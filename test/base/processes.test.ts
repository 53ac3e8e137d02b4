import { describe, expect, it } from 'vitest';
import { withLargePages } from '../../base/processes.js';

describe('large pages', () => {
  it('are requested beside other settings', () => {
    expect(withLargePages({ A: 'b' })).toEqual({ A: 'b', GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' });
    const { GLIBC_TUNABLES } = withLargePages({ GLIBC_TUNABLES: 'glibc.malloc.check=1' });
    expect(GLIBC_TUNABLES).toBe('glibc.malloc.check=1:glibc.malloc.hugetlb=1');
  });

  it('are not requested against a setting', () => {
    const environment = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' };
    expect(withLargePages(environment)).toBe(environment);
  });
});
