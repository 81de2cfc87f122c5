import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRun, RunError, verify } from '../src/index.ts'
import { createRun, directoryFiles, resumeRun } from '../src/node/index.ts'
import { lockHolder, takeLock } from '../src/node/lock.ts'
import type { DiskWrite, RunWriter } from '../src/node/index.ts'
import { emitPackages } from './emit.ts'
import { newRun, probes, scalarsAt, stageAt, valuesAt } from './example.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-faults-'))
  await chmod(root, 0o755)
  await emitPackages(root)
  await writeFile(join(root, 'train.js'), `
    import { existsSync } from 'node:fs'
    import { createRun, resumeRun } from './runs/node/index.js'
    import { newRun, probes, scalarsAt, stageAt, valuesAt } from './test/example.js'
    const [dir, from, to] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
    const writer = existsSync(dir + '/run.json') ? await resumeRun(dir, from) : await createRun(dir, newRun, probes)
    console.log('writing')
    for (let step = from + 1; step <= to; step++) {
      await writer.scalars(step, stageAt(step), scalarsAt(step))
      await writer.probes(step, stageAt(step), valuesAt(step))
    }
    await writer.finish('done')
  `)
  await writeFile(join(root, 'create.js'), `
    import { createRun } from './runs/node/index.js'
    import { newRun } from './test/example.js'
    try {
      await createRun(process.argv[2], newRun)
      console.log('made it')
    } catch (error) {
      console.log(error.code, '|', error.message)
    }
  `)
  await writeFile(join(root, 'take-lock.js'), `
    import { rmSync, writeFileSync } from 'node:fs'
    import { takeLock } from './runs/node/lock.js'
    const [dir, alone] = process.argv.slice(2)
    for (;;) {
      try {
        await takeLock(dir)
        break
      } catch (error) {
        if (error.code !== 'locked') throw error
      }
    }
    writeFileSync(alone, '', { flag: 'wx' })
    rmSync(alone)
    process.kill(process.pid, 'SIGKILL')
  `)
})
afterAll(() => rm(root, { recursive: true }))

const start = (script: string, args: readonly string[], uid?: number) => {
  const child = spawn(process.execPath, [join(root, script), ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], ...(uid === undefined ? {} : { uid }) })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
  return { child, output: () => output, ended: once(child, 'close') }
}

const train = async (writer: RunWriter, from: number, to: number) => {
  for (let step = from; step <= to; step++) {
    await writer.scalars(step, stageAt(step), scalarsAt(step))
    await writer.probes(step, stageAt(step), valuesAt(step))
  }
}

const dataPaths = ['probe/logp.f32', 'probe/entropy.f32', 'probe/tokens_logp.f32', 'probe/index.jsonl'] as const
const numbers = async (dir: string) => [
  ...await Promise.all(dataPaths.map(async path => (await readFile(join(dir, path))).toString('hex'))),
  (await readFile(join(dir, 'scalars.jsonl'), 'utf8')).replace(/"t":\d+/g, '"t":0'),
]

const caught = async (work: Promise<unknown>): Promise<RunError> => {
  try {
    await work
  } catch (error) {
    if (error instanceof RunError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a writer that is killed with -9', () => {
  it('at ten moments loses no committed number, and resumed ends as an undisturbed run', async () => {
    const steps = 400
    const undisturbed = join(root, 'undisturbed')
    const writer = await createRun(undisturbed, newRun, probes)
    await train(writer, 1, steps)
    await writer.finish('done')
    const expected = await numbers(undisturbed)

    const dir = join(root, 'killed')
    let from = 0
    let kills = 0
    for (let attempt = 0; attempt < 10; attempt++) {
      const { child, output, ended } = start('train.js', [dir, String(from), String(steps)])
      await once(child.stdout, 'data')
      expect(output()).toContain('writing')
      await new Promise(resolve => setTimeout(resolve, 5 + attempt * 9))
      child.kill('SIGKILL')
      const [, signal] = await ended as [number | null, string | null]
      if (signal === 'SIGKILL') kills++
      const run = await openRun(directoryFiles(dir))
      const errors = (await verify(directoryFiles(dir))).filter(finding => finding.severity === 'error')
      expect(errors).toEqual([])
      const committed = run.steps.length
      // Every committed row is what the undisturbed run has there.
      const bytes = await readFile(join(dir, 'probe/logp.f32'))
      expect(expected[0].startsWith(bytes.subarray(0, committed * 16).toString('hex'))).toBe(true)
      expect(committed).toBeGreaterThanOrEqual(from)
      // As a trainer would, go back to a checkpoint some steps before the end; to the start where nothing is committed.
      from = Math.max(0, committed - 3)
      if (run.manifest.status === 'done') break
    }
    expect(kills).toBeGreaterThanOrEqual(3)
    await using last = await resumeRun(dir, from)
    await train(last, from + 1, steps)
    expect(await numbers(dir)).toEqual(expected)
  })
})

describe('torn tails', () => {
  it('at every offset of every file are dropped, counted, and cut off by the next resume', async () => {
    const whole = join(root, 'whole')
    const writer = await createRun(whole, newRun, probes)
    await train(writer, 1, 3)
    await writer.close()
    const expected = await numbers(whole)
    const sizes = await Promise.all(['scalars.jsonl', 'events.jsonl', ...dataPaths].map(async path =>
      [path, (await readFile(join(whole, path))).length] as const))
    const junk = Buffer.from('{"s":4,"row":3,"stage":"sft","x":[1,2,3,"é"')
    for (const [path, size] of sizes) {
      for (let extra = 1; extra <= junk.length; extra += 7) {
        const dir = join(root, `torn-${extra}`)
        await cp(whole, dir, { recursive: true })
        await writeFile(join(dir, path), junk.subarray(0, extra), { flag: 'a' })
        const run = await openRun(directoryFiles(dir))
        expect([...run.torn]).toEqual([[path, extra]])
        expect(run.steps).toEqual([1, 2, 3])
        const again = await resumeRun(dir, 3)
        await again.close()
        if (path !== 'events.jsonl') expect((await readFile(join(dir, path))).length).toBe(size)
        expect(await numbers(dir)).toEqual(expected)
        await rm(dir, { recursive: true })
      }
    }
  })

  it('a line file cut at any byte gives the whole lines before the cut, and training again restores it', async () => {
    const whole = join(root, 'whole2')
    const writer = await createRun(whole, newRun, probes)
    await train(writer, 1, 3)
    await writer.close()
    const expected = await numbers(whole)
    for (const path of ['scalars.jsonl', 'probe/index.jsonl']) {
      const text = await readFile(join(whole, path), 'utf8')
      for (let end = 0; end < text.length; end++) {
        const dir = join(root, 'cut')
        await cp(whole, dir, { recursive: true })
        await truncate(join(dir, path), end)
        const run = await openRun(directoryFiles(dir))
        const lines = text.slice(0, end).split('\n').length - 1
        expect(path === 'scalars.jsonl' ? run.scalars.get('loss')?.values.length ?? 0 : run.steps.length).toBe(lines)
        if (end % 9 === 0) {
          const again = await resumeRun(dir, 0)
          await train(again, 1, 3)
          await again.close()
          expect(await numbers(dir)).toEqual(expected)
        }
        await rm(dir, { recursive: true })
      }
    }
  })
})

describe('two writers', () => {
  it('the second is refused and told the first one\'s process; a dead one\'s lock is taken over', async () => {
    const dir = join(root, 'two')
    await (await createRun(dir, newRun, probes)).close()
    const { child, ended } = start('train.js', [dir, '1', '1000000'])
    await once(child.stdout, 'data')
    const refused = await caught(resumeRun(dir, 0))
    expect(refused.code).toBe('locked')
    expect(refused.message).toContain(`process ${child.pid} is writing it`)
    child.kill('SIGKILL')
    await ended
    await (await resumeRun(dir, 0)).close()
  })

  it('within one process the second is refused too', async () => {
    const dir = join(root, 'same')
    await using _writer = await createRun(dir, newRun, probes)
    expect((await caught(resumeRun(dir, 0))).message).toContain('this very process')
  })

  it('a lock of another host is left alone, with the way out named', async () => {
    const dir = join(root, 'host')
    await (await createRun(dir, newRun, probes)).close()
    await writeFile(join(dir, 'run.lock'), JSON.stringify({ pid: 1, host: `not-${hostname()}`, start: '' }))
    expect((await caught(resumeRun(dir, 0))).message).toMatch(/on the host not-.*delete .*run.lock/)
  })

  it('a process number that another process has by now is no lock', async () => {
    const dir = join(root, 'reused')
    await (await createRun(dir, newRun, probes)).close()
    await writeFile(join(dir, 'run.lock'), JSON.stringify({ pid: process.pid, host: hostname(), start: '1' }))
    if (process.platform === 'linux') await (await resumeRun(dir, 0)).close()
    else expect((await caught(resumeRun(dir, 0))).code).toBe('locked')
  })

  it('of twenty that start at once over a stale lock, one gets it, and leaves nothing but its lock', async () => {
    const dir = join(root, 'race')
    await mkdir(dir)
    for (let round = 0; round < 100; round++) {
      await writeFile(join(dir, 'run.lock'), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), start: `${round}` }))
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(dir)))
      const holders = results.flatMap(result => result.status === 'fulfilled' ? [result.value] : [])
      expect(holders).toHaveLength(1)
      expect((await lockHolder(dir))?.pid).toBe(process.pid)
      expect(await readdir(dir)).toEqual(['run.lock'])
      await holders[0]()
      expect(await readdir(dir)).toEqual([])
    }
  })

  it('of processes that take a lock and die with it, never two have it at once', async () => {
    const dir = join(root, 'dying')
    await mkdir(dir)
    // Each makes a file that must not be there yet, removes it, and dies without letting the lock go.
    const takers = Array.from({ length: 12 }, () => start('take-lock.js', [dir, join(root, 'alone')]))
    const ends = await Promise.all(takers.map(({ ended }) => ended))
    expect(ends).toEqual(takers.map(() => [null, 'SIGKILL']))
    await (await takeLock(dir))()
    expect(await readdir(dir)).toEqual([])
  })
})

/** A disk that takes `free()` more bytes, filling up in the middle of a write. */
const fullAfter = (disk: { free: number }): DiskWrite => async (handle, bytes, position) => {
  const part = bytes.subarray(0, Math.min(bytes.length, disk.free))
  disk.free -= part.length
  if (part.length > 0) await handle.write(part, 0, part.length, position)
  if (part.length < bytes.length) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  return part.length
}

describe('a full disk', () => {
  it('at every byte gives one error, a readable run, and goes on once there is space', async () => {
    const whole = join(root, 'space')
    const writer = await createRun(whole, newRun, probes)
    await train(writer, 1, 3)
    await writer.close()
    const expected = await numbers(whole)
    let failures = 0
    for (let free = 60; free < 900; free += 23) {
      const dir = join(root, 'full')
      const disk = { free }
      const full = await createRun(dir, newRun, probes, { write: fullAfter(disk) })
      for (let step = 1; step <= 3; step++) {
        for (const write of [
          () => full.scalars(step, stageAt(step), scalarsAt(step)),
          () => full.probes(step, stageAt(step), valuesAt(step)),
        ]) {
          try {
            await write()
          } catch (error) {
            failures++
            expect(error).toBeInstanceOf(RunError)
            expect((error as RunError).code).toBe('no-space')
            expect((error as RunError).message).toMatch(/ENOSPC.*Free some space/)
            expect((await verify(directoryFiles(dir))).filter(({ severity }) => severity === 'error')).toEqual([])
            disk.free = 1e6
            await write()
          }
        }
      }
      disk.free = 1e6
      await full.finish('done')
      expect(await numbers(dir)).toEqual(expected)
      await rm(dir, { recursive: true })
    }
    expect(failures).toBeGreaterThan(20)
  })

  it('when the run begins lets go of the lock', async () => {
    const dir = join(root, 'full-at-once')
    const error = await caught(createRun(dir, newRun, probes, { write: fullAfter({ free: 0 }) }))
    expect(error.code).toBe('no-space')
    await (await resumeRun(dir, 0)).close()
  })
})

describe('a directory that may not be written', () => {
  it('is one error that names it', async () => {
    const readOnly = join(root, 'read-only')
    await mkdir(readOnly, { mode: 0o555 })
    // Root may write anywhere, so another user tries.
    const uid = process.getuid?.() === 0 ? 65534 : undefined
    const { output, ended } = start('create.js', [join(readOnly, 'run')], uid)
    await ended
    expect(output()).toMatch(/^not-writable \| Cannot write the run \(.*read-only.*EACCES.*Choose another --out/)
  })
})
