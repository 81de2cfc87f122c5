// node .ci/task.js build typecheck lint test
//
// Everything a fresh clone needs, on a machine that has Node and npm alone: installs the workspace as the
// lockfile says (pnpm comes through npx, so that nothing needs root), then runs the named Turborepo tasks,
// which skip what has not changed. Tests run one package at a time: some of them measure time.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { printCounts, reportFiles } from './counts.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const { packageManager, engines } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`ldyn needs Node ${engines.node}; ${process.execPath} is ${process.versions.node}. `
    + 'Install a newer one from https://nodejs.org and run the command again.')
  process.exit(1)
}

const tasks = process.argv.slice(2)
const checks = tasks.filter(task => task !== 'test')

install()
let status = checks.length ? turbo(...checks) : 0
if (tasks.includes('test')) {
  for (const file of reportFiles()) rmSync(file)
  status = turbo('test', '--concurrency=1') || status
  if (!printCounts()) status ||= 1
}
process.exitCode = status

/** Installs, unless what is installed came from this very lockfile: then nothing asks the network either. */
function install() {
  const stamp = `${root}node_modules/.installed`
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(root + file))
  const wanted = `${hash.digest('hex')} ${process.platform}-${process.arch}`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  pnpm('install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only')
  writeFileSync(stamp, wanted)
}

function turbo(...args) {
  return pnpm('exec', 'turbo', 'run', ...args, '--continue=dependencies-successful', '--output-logs=new-only')
}

/** Runs pnpm; a failed install ends here, a failed task is returned so that the others still report. */
function pnpm(...args) {
  const { status, error } = spawnSync('npx', ['--yes', '--prefer-offline', packageManager, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
    env: {
      ...process.env,
      ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
      TURBO_TELEMETRY_DISABLED: '1',
      TURBO_NO_UPDATE_NOTIFIER: '1',
    },
  })
  if (error || (status !== 0 && args[0] === 'install')) {
    const why = error ? ` (${error.message})` : ''
    console.error(`Could not install the workspace with ${packageManager}${why}. `
      + 'The first run needs the npm registry, and npx (it comes with npm); later runs work offline.')
    process.exit(status || 1)
  }
  return status ?? 1
}
