/** The pages of `ldyn help <topic>`. */
import { EXIT_CODES } from '../contract/exit-codes.ts'
import { backendsPage } from './backends.ts'
import { dataPage } from './data.ts'
import { explainPage } from './explain.ts'
import { kernelPage } from './kernel.ts'
import { lossesPage } from './losses.ts'
import { metricsPage } from './metrics.ts'
import { simPage } from './sim.ts'

export interface Topic {
  readonly title: string
  text(): string | Promise<string>
}

/** Its numbers come from where they are used, which loads more than help should. */
const loadDiagnosePage = async (): Promise<string> => (await import('./diagnose.ts')).diagnosePage()

export const topics: Readonly<Record<string, Topic>> = {
  'exit-codes': {
    title: 'what the exit code of a command says',
    text: () =>
      `Exit codes. The thousands digit of an error code LDnnnn is its exit code.\n\n${Object.entries(
        EXIT_CODES,
      )
        .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
        .join('\n')}\n`,
  },
  backends: { title: 'what computes, how to choose it; verify and bench', text: () => backendsPage },
  data: { title: 'forms of training data and probe sets', text: () => dataPage },
  diagnose: { title: 'verdicts, their evidence, and every threshold', text: loadDiagnosePage },
  explain: { title: 'first-order predictions, directions, layers, residuals: definitions and signs', text: () => explainPage },
  losses: { title: 'every loss: what it is, its pull and push, and how TRL divides it', text: () => lossesPage },
  sim: { title: 'the toy worlds of ldyn sim: cases, options and figures', text: () => simPage },
  metrics: { title: 'every figure that ldyn prints: definition, sign, sum or mean', text: () => metricsPage },
  kernel: { title: 'K, and every figure of `ldyn kernel`: definition and sign', text: () => kernelPage },
}
