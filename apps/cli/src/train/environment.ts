/** What computes: told by every run, so that numbers that differ can be laid to the machine. */
import { cpus } from 'node:os'

/** `version` is ldyn's own. */
export const environmentOf = (version: string) => ({
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  ldyn: version,
})
