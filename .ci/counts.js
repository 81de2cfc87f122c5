// Sums what vitest reported for each package (its JSON reporter, one file a package) into the line
// `N passed, N failed, N skipped`, after each failure with its message: in the output of the whole check it is
// thousands of lines back. A test file that could not even be loaded counts as one failure.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

export function reportFiles() {
  const dirs = ['packages', 'apps'].flatMap(group =>
    readdirSync(root + group).map(name => `${group}/${name}`))
  return [...dirs, 'tests'].map(dir => `${root}${dir}/.cache/vitest.json`).filter(file => existsSync(file))
}

/** Prints the line; true when something was tested and nothing failed. */
export function printCounts() {
  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const file of reportFiles()) {
    for (const { name, status, message, assertionResults } of JSON.parse(readFileSync(file, 'utf8')).testResults) {
      const of = wanted => assertionResults.filter(test => wanted.includes(test.status)).length
      // Pending: begun and never ended, since the process that ran it is gone.
      const failed = of(['failed', 'pending']) || (status === 'failed' ? 1 : 0)
      if (failed > 0) printFailures(name, message, assertionResults)
      count.passed += of(['passed'])
      count.failed += failed
      count.skipped += of(['skipped', 'todo', 'disabled'])
    }
  }
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  return count.passed > 0 && count.failed === 0
}

function printFailures(name, message, assertionResults) {
  const failed = assertionResults.filter(test => ['failed', 'pending'].includes(test.status))
  if (failed.length === 0) console.log(`FAILED ${relative(root, name)}\n${indented(message)}`)
  for (const { fullName, status, failureMessages } of failed) {
    const why = status === 'pending' ? 'did not end: its process is gone' : failureMessages.join('\n')
    console.log(`FAILED ${relative(root, name)} > ${fullName}\n${indented(why)}`)
  }
}

function indented(text) {
  return text.split('\n').slice(0, 20).map(line => `  ${line}`).join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href && !printCounts()) process.exitCode = 1
