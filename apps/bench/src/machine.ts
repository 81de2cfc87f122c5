/** What the numbers were taken on. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Machine {
  /** Name, and on Linux family, model and whether it has AVX-512: a cloud's names say little. */
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly system: string
  /** The load average of the last minute before the run, which should be near 0. */
  readonly load: number
}

export const describeMachine = (): Machine => ({
  cpu: [cpus()[0]?.model.trim() ?? 'unknown CPU', cpuDetails()].filter(Boolean).join(', '),
  cores: availableParallelism(),
  memoryGib: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()} ${process.arch}`,
  load: loadavg()[0],
})

function cpuDetails(): string {
  try {
    const info = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n')[0]
    const field = (name: string): string | undefined => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(info)?.[1]
    const family = field('cpu family')
    return [family && `family ${family} model ${field('model')}`, /\bavx512f\b/.test(info) && 'AVX-512'].filter(Boolean).join(', ')
  } catch {
    return ''
  }
}
