/** All commands, in the order of the help. Registering one is cheap: what computes is imported inside its action. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import * as bench from './bench.ts'
import * as config from './config.ts'
import * as demo from './demo.ts'
import * as diagnose from './diagnose.ts'
import * as doctor from './doctor.ts'
import * as explain from './explain.ts'
import * as exporting from './export.ts'
import * as help from './help.ts'
import * as importing from './import.ts'
import * as kernel from './kernel.ts'
import * as model from './model.ts'
import * as observe from './observe.ts'
import * as plot from './plot.ts'
import * as probe from './probe.ts'
import * as runs from './runs.ts'
import * as sim from './sim.ts'
import * as train from './train.ts'
import * as verify from './verify.ts'
import * as view from './view.ts'

export interface CommandModule {
  register(program: Command, context: Context): void
}

export const commands: readonly CommandModule[] = [
  demo,
  train,
  observe,
  explain,
  diagnose,
  kernel,
  probe,
  plot,
  view,
  exporting,
  importing,
  runs,
  sim,
  model,
  config,
  doctor,
  verify,
  bench,
  help,
]
