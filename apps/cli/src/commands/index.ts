/** All commands, in the order of the help. Registering one is cheap: what computes is imported inside its action. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import * as config from './config.ts'
import * as demo from './demo.ts'
import * as doctor from './doctor.ts'
import * as help from './help.ts'
import * as model from './model.ts'
import * as observe from './observe.ts'

export interface CommandModule {
  register(program: Command, context: Context): void
}

export const commands: readonly CommandModule[] = [observe, model, config, doctor, help]
