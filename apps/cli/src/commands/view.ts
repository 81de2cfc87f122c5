/** `ldyn view`: the viewer of a directory of runs, in the browser, live (@ldyn/web). */
import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'

// See doctor.ts for why this is a function of its own.
const loadOpen = () => import('../demo/open.ts')

interface Options {
  readonly port: number
  readonly host: string
  readonly token?: string
  readonly name?: readonly string[]
  readonly allowFrames?: readonly string[]
  readonly open?: boolean
}

const port = (text: string): number => {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 65_535) return value
  throw new CliError({
    code: 'LD2003',
    what: '--port takes a number from 0 to 65535',
    where: '--port',
    why: `it is '${text}'`,
    fix: 'give 0, or leave it out, for any free port',
  })
}

/** The origins given so far and one more, as they were typed; what is none is said before anything is served. */
const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

/** Throws CliError LD2003. */
const framesOf = (given: readonly string[], originOf: (text: string) => string | undefined): readonly string[] =>
  given.map(text => {
    const origin = originOf(text)
    if (origin !== undefined) return origin
    throw new CliError({
      code: 'LD2003',
      what: '--allow-frames takes the origin of a page: scheme, host and port',
      where: '--allow-frames',
      why: text.includes('*') ? `'${text}' names more than one` : `it is '${text}'`,
      fix: 'give one such as http://localhost:8888, and the option again for another',
    })
  })

export function register(program: Command, context: Context): void {
  const command = program
    .command('view [dir]')
    .description('look at runs in the browser: curves of every response type, live while they train')
    .option('--port <n>', 'port; 0 takes a free one', port, 6071)
    .option(
      '--host <address>',
      'interface; anything but this machine’s own also asks for a token',
      '127.0.0.1',
    )
    .option('--token <text>', 'what a page must know to read runs; made up where one is needed')
    .option('--name <host...>', 'further names under which the page is opened, behind a proxy for instance')
    .option(
      '--allow-frames <origin>',
      'pages of this origin may show the viewer in a frame; may be given again (default: none but its own)',
      collect,
    )
    .option('--open', 'open the page in the browser (default: where there is a terminal and a display)')
    .option('--no-open', 'only name the address')
    .action((dir: string | undefined, options: Options) => view(dir ?? 'runs', options, context))
  examples(command, [
    'ldyn view                           # all runs below ./runs',
    'ldyn view runs/first                # one run',
    'ldyn view runs --port 0 --no-open   # any free port; print the address, open nothing',
    'ldyn view --allow-frames http://localhost:8888   # a notebook there may show it in a frame',
  ])
}

async function view(dir: string, options: Options, context: Context): Promise<void> {
  const { output } = context
  const found = await stat(dir).catch(() => undefined)
  if (found?.isFile()) {
    throw new CliError({
      code: 'LD4003',
      what: `'${dir}' is a file, and the viewer takes a directory`,
      where: dir,
      fix: await insteadOf(dir),
    })
  }
  if (!found?.isDirectory()) {
    throw new CliError({
      code: 'LD4003',
      what: `there is no directory '${dir}'`,
      where: dir,
      fix: 'give the directory that holds your runs\nor make one: `ldyn demo` trains two small models in about a minute',
    })
  }
  const { builtApp, frameOrigin, serve } = await import('@ldyn/web/server')
  const frames = framesOf(options.allowFrames ?? [], frameOrigin)
  const app = builtApp()
  if (app === undefined) {
    throw new CliError({
      code: 'LD4003',
      what: 'the viewer’s page is not built',
      where: '@ldyn/web',
      why: 'this is a checkout whose packages were not built',
      fix: 'run `npm run build`',
    })
  }
  await using serving = await serve({
    ...options,
    root: dir,
    version: context.version,
    app,
    names: options.name,
    frames,
  }).catch((error: NodeJS.ErrnoException) => {
    throw unreachable(error, options)
  })
  const ended = new Promise<void>(resolve => {
    context.onInterrupt(() => resolve())
  })
  output.result('view', { url: serving.url, port: serving.port, root: dir }, () =>
    [`${output.style('bold', serving.url)}   ${dir}`, output.style('dim', 'Ctrl-C ends it')].join('\n'),
  )
  if (options.open ?? (!output.json && output.stderr.isTTY === true)) {
    const { openFile } = await loadOpen()
    const opened = await openFile(serving.url, process.platform, context.env)
    if (!opened && options.open)
      output.warn('there is no display, or nothing that opens a page: open the address yourself')
  }
  await ended
}

/** What somebody who gave this file wants: its run, the page that it is, or the log as a run. */
async function insteadOf(file: string): Promise<string> {
  const { shellWord } = await import('@ldyn/figures')
  const folder = shellWord(dirname(file))
  if (basename(file) === 'run.json') return `give the run: ldyn view ${folder}`
  if (/\.html?$/i.test(file)) return 'open it in a browser: a page that ldyn export wrote needs no viewer'
  return `give the directory that holds your runs\nor make a run of a log first: ldyn import ${shellWord(file)}`
}

function unreachable(error: NodeJS.ErrnoException, { port: wanted, host }: Options): unknown {
  if (error.code === 'EADDRINUSE' || error.code === 'EACCES') {
    return new CliError(
      {
        code: 'LD5005',
        what: `port ${wanted} of ${host} is not free`,
        where: `${host}:${wanted}`,
        why:
          error.code === 'EACCES'
            ? 'ports below 1024 need rights that you do not have'
            : 'another program listens there, perhaps another ldyn view',
        fix: 'give another with --port, or --port 0 for any free one',
      },
      { cause: error },
    )
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new CliError(
      {
        code: 'LD2003',
        what: `'${host}' is no interface of this machine`,
        where: '--host',
        fix: 'give 127.0.0.1, 0.0.0.0 or an address of this machine',
      },
      { cause: error },
    )
  }
  return error
}
