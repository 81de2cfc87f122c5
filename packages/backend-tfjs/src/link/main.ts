/** The command `ldyn-tfjs-link`. stdout is the result in one line, stderr the progress; exit code 1 with a sentence. */
import { parseArgs } from 'node:util'
import { linkTensorflow, LinkError } from './index.ts'

const USAGE = `Usage: ldyn-tfjs-link [--cuda] [--cache <folder>] [--tensorflow <version>] [--from <folder>] [--force]

Links the installed @tensorflow/tfjs-node to the libtensorflow of a Python wheel, which pip fetches.

  --cuda        the build with CUDA 12, for NVIDIA cards (3 GB; default: the build for CPUs, 270 MB)
  --cache       where the unpacked wheel is kept (default: ~/.cache/ldyn/libtensorflow)
  --tensorflow  version of TensorFlow (default: 2.21.0)
  --from        a folder that holds tensorflow/, such as Python's site-packages, in place of a download
  --force       build again though it is linked
`

async function main(): Promise<number> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    const { values } = parseArgs({
      options: { cuda: flag, cache: text, tensorflow: text, from: text, force: flag, help: flag },
    })
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const { name, tensorflow, binding } = await linkTensorflow({
      ...values,
      show: (line) => process.stderr.write(line),
      terminal: process.stderr.isTTY,
    })
    process.stdout.write(`${name} computes with TensorFlow ${tensorflow} (${binding})\n`)
    return 0
  } catch (error) {
    if (error instanceof LinkError) {
      process.stderr.write(`ldyn-tfjs-link: ${error.message}\n`)
      return 1
    }
    if (error instanceof TypeError && 'code' in error && `${error.code}`.startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write(`ldyn-tfjs-link: ${error.message}\n\n${USAGE}`)
      return 2
    }
    throw error
  }
}

process.exitCode = await main()
