const variable = 'GLIBC_TUNABLES';
const setting = 'glibc.malloc.hugetlb';

/**
 * The environment for a process that trains: glibc, which reads it when the process starts, then asks the kernel for
 * pages of 2 MiB (`madvise`) instead of 4 KiB. Training passes over tensors much larger than what the processor
 * remembers of small pages. A setting that is there already stays; other C libraries and systems ignore it.
 */
export function withLargePages(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given = environment[variable];
  if (given?.includes(setting)) return environment;
  return { ...environment, [variable]: [...(given ? [given] : []), `${setting}=1`].join(':') };
}
