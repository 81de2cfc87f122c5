/** `ldyn config`: the training config as it would be used, where each value comes from, and its JSON Schema. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { examples } from '../program.ts'
import { configOptions, readConfig, type ConfigFlags } from '../config/flags.ts'

export function register(program: Command, context: Context): void {
  const config = program
    .command('config')
    .description('the training config: show it with its origins, print its schema')
  examples(config, [
    'ldyn config show --config hh.yaml --set lr=1e-6 --origin',
    'ldyn config schema > ldyn.schema.json',
  ])

  const show = config.command('show').description('print the config that these flags, LDYN_* and file give')
  configOptions(show)
    .option('--origin', 'say of every value where it comes from')
    .action(async (flags: ConfigFlags & { origin?: boolean }) => {
      const resolved = await readConfig(flags, context)
      for (const warning of resolved.warnings) context.output.warn(warning)
      const { asTree, origins } = await import('../config/resolve.ts')
      const { stringify } = await import('yaml')
      const list = origins(resolved)
      const wide = Math.max(...list.map(({ path }) => path.length))
      context.output.result(
        'config show',
        flags.origin ? { config: asTree(resolved), origins: list } : asTree(resolved),
        () =>
          flags.origin
            ? list
                .map(
                  ({ path, value, origin }) =>
                    `${path.padEnd(wide)}  ${JSON.stringify(value)}  ${context.output.style('dim', origin)}`,
                )
                .join('\n')
            : stringify(asTree(resolved)),
      )
    })

  config
    .command('schema')
    .description('print the JSON Schema of a config file')
    .action(async () => {
      const { jsonSchema } = await import('../config/schema.ts')
      const { PRESETS } = await import('../config/presets.ts')
      const schema = jsonSchema(Object.keys(PRESETS))
      context.output.result('config schema', schema, () => JSON.stringify(schema, null, 2))
    })
}
