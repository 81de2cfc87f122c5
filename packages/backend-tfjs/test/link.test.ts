/** Linking, short of the download: what it refuses and why, and that it leaves alone what works. */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { installed, isLinked, LinkError, linkTensorflow } from '../src/link/index.ts'
import { findTools, wheelPlatform } from '../src/link/tools.ts'
import { missing } from './linked.ts'

const why = await missing()
if (why !== undefined) console.warn(`linking for real: skipped, because ${why}`)
const nowhere = join(tmpdir(), 'ldyn-no-such-command')

describe('linking tfjs-node to libtensorflow', () => {
  it('says which tool is missing, what it is for and what brings it', async () => {
    await expect(findTools({ LDYN_PYTHON: nowhere })).rejects.toThrow(
      `no Python (${nowhere}), whose pip fetches TensorFlow's wheel: apt-get install python3 python3-pip`,
    )
    // Something that answers --version but knows no modules is a Python without pip.
    await expect(findTools({ LDYN_PYTHON: process.execPath })).rejects.toThrow('has no pip')
    await expect(findTools({ LDYN_PYTHON: nowhere })).rejects.toBeInstanceOf(LinkError)
  })
  it('names the way out on systems whose wheels hold no library that it knows', () => {
    expect([wheelPlatform('linux', 'x64'), wheelPlatform('linux', 'arm64')]).toEqual(['x86_64', 'aarch64'])
    expect(() => wheelPlatform('win32', 'x64')).toThrow('npm rebuild @tensorflow/tfjs-node')
  })
  it.skipIf(why !== undefined)('leaves a binding that loads as it is', async () => {
    expect(isLinked()).toBe(true)
    const linked = await linkTensorflow({ cache: nowhere, show: () => expect.unreachable('nothing is to be done') })
    expect(linked).toMatchObject({ name: '@tensorflow/tfjs-node', tensorflow: expect.stringMatching(/^\d+\.\d+/) })
    expect(existsSync(nowhere)).toBe(false)
  })
  it.skipIf(why !== undefined)('refuses a folder without the library, and keeps what was there', async () => {
    await expect(linkTensorflow({ from: nowhere, force: true })).rejects.toThrow('libtensorflow_cc.so.2 is not there')
    expect(installed().linked).toBe(true)
  })
})
