import { afterEach, describe, expect, it } from 'vitest'
import { findPython } from './python.ts'
import { openSide, type Side } from './side.ts'

const open: Side[] = []
afterEach(async () => {
  for (const side of open.splice(0)) await side.close()
})

/** A side that is ready at once and then runs `script` for every line. */
async function side(script: string, seconds = 20): Promise<Side> {
  const source = `
    const say = (value) => console.log(JSON.stringify(value))
    say({ ready: true, shape: 'toy' })
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      if (line === 'quit') process.exit(0)
      ${script}
    })`
  const made = await openSide({ name: 'toy', command: process.execPath, args: ['-e', source], seconds })
  open.push(made)
  return made
}

describe('a side', () => {
  it('answers one line with one line, in order', async () => {
    const toy = await side('say({ job: line })')
    expect(toy.ready.shape).toBe('toy')
    expect(await toy.ask('a')).toEqual({ job: 'a' })
    expect(await toy.ask('b')).toEqual({ job: 'b' })
  })

  it('that says what went wrong is quoted, and may go on', async () => {
    const toy = await side("say(line === 'bad' ? { error: 'no such job' } : { job: line })")
    await expect(toy.ask('bad')).rejects.toThrow('toy: no such job')
    expect(await toy.ask('good')).toEqual({ job: 'good' })
  })

  it('that ends is an error with the end of its stderr, then and later', async () => {
    const toy = await side("console.error('out of memory'); process.exit(3)")
    await expect(toy.ask('a')).rejects.toThrow(/toy ended with exit code 3.*\nout of memory/s)
    await expect(toy.ask('b')).rejects.toThrow('exit code 3')
  })

  it('that is silent is ended', async () => {
    const toy = await side('', 1)
    await expect(toy.ask('a')).rejects.toThrow('did not answer within 1 s')
  })

  it('that cannot be started says so', async () => {
    const missing = openSide({ name: 'toy', command: '/nowhere/python', args: [], seconds: 5 })
    await expect(missing).rejects.toThrow('toy does not start')
  })
})

it('a Python that is not there is a reason with what to do about it', async () => {
  const found = await findPython('/nowhere/python')
  expect(found).toEqual({ why: expect.stringMatching(/^\/nowhere\/python is not there\. Give one with --python.*pip install/) })
})
