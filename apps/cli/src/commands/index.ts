/** All commands, in the order of the help. Registering one is cheap: what computes is imported inside its action. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import * as help from './help.ts'

export interface CommandModule {
  register(program: Command, context: Context): void
}

export const commands: readonly CommandModule[] = [help]
