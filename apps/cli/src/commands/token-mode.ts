/** How a prompt and its response become ids (`ldyn help data`): asked for in the same words wherever texts are read. */
import { Option } from 'commander'

export const tokenMode = (): Option =>
  new Option('--token-mode <mode>', 'how prompt and response become ids')
    .choices(['separate', 'joint', 'paper'])
    .default('separate')
