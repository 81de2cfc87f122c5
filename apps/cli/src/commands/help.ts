/** `ldyn help [topic]`: a command's help, a topic's page, or an error code's. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CODES } from '../contract/codes.ts'
import { CliError, codeHelp } from '../contract/errors.ts'
import { didYouMean } from '../contract/nearest.ts'
import { examples } from '../program.ts'
import { topics } from '../help/topics.ts'

export function register(program: Command, context: Context): void {
  const command = program
    .command('help [topic...]')
    .description('explain a command, a topic or an error code')
    .action(async (words: string[]) => {
      context.output.text(words.length === 0 ? overview(program) : await page(program, words))
    })
  examples(command, ['ldyn help metrics', 'ldyn help LD3002', 'ldyn help model export'])
}

function overview(program: Command): string {
  const wide = Math.max(...Object.keys(topics).map((name) => name.length))
  const list = Object.entries(topics).map(([name, { title }]) => `  ${name.padEnd(wide)}  ${title}`)
  return `${program.helpInformation()}\nTopics (ldyn help <topic>):\n${list.join('\n')}\n  ${'LDnnnn'.padEnd(wide)}  an error code: ${Object.keys(CODES)[1]} to ${Object.keys(CODES).at(-1)}\n`
}

async function page(program: Command, words: readonly string[]): Promise<string> {
  const command = words.reduce<Command | undefined>(
    (at, word) => at?.commands.find((c) => c.name() === word),
    program,
  )
  const [topic] = words
  if (command) {
    const more = words.length === 1 && Object.hasOwn(topics, topic) ? [await topics[topic].text()] : []
    return [command.helpInformation(), ...more].join('\n')
  }
  const code = codeHelp(topic)
  if (code !== undefined) return code
  if (Object.hasOwn(topics, topic)) return topics[topic].text()
  const known = [...Object.keys(topics), ...program.commands.map((c) => c.name()), ...Object.keys(CODES)]
  throw new CliError({
    code: 'LD2005',
    what: `no help on '${words.join(' ')}'`,
    fix: didYouMean(topic, known) || 'run `ldyn help` for the list of commands and topics',
  })
}
