/** The most memory that this process held since `resetPeak`, in MiB; where Linux does not say, since it began. */
import { readFileSync, writeFileSync } from 'node:fs'

export function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // Not Linux, or not allowed: the peak is then the whole process's, on both sides.
  }
}

export function peakRssMb(): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024
  } catch {
    return process.resourceUsage().maxRSS / 1024
  }
}
