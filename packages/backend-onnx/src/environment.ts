/**
 * How a process should be started that runs sessions with `arena: false` (options.ts).
 *
 * Without an arena of its own a session gives its working memory back to malloc after every run, so that sessions of
 * several lengths do not each keep gigabytes. glibc then returns large blocks to the system, and every run pays for
 * the page faults again, unless it is told, before the process starts, to keep them in one heap. Twelve SFT updates of
 * SmolLM2-135M over three lengths on two cores: with arenas 64 s and 14.4 GiB, without 56 s and 6.5 GiB, without and
 * with this environment 48 s and 6.9 GiB. Other C libraries ignore it.
 */
export const allocatorEnvironment: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '4294967295',
  MALLOC_TRIM_THRESHOLD_: '8589934592',
}
