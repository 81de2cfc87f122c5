/**
 * The caller's side: a Backend whose tensors live in a worker, so that computing blocks neither signals nor
 * progress
 * nor a server (contracts.md §1). Every check that needs no worker is made here and at once.
 */
import type { Backend, DeviceTensor, Executable, RunInput } from '../backend.ts'
import { DeviceError } from '../errors.ts'
import { byteSize, type DType, type HostTensor, type Shape } from '../spec.ts'
import { leaves, matches, unflatten } from '../tree.ts'
import { listen, type Port } from './port.ts'
import {
  fromWire, parcel, type CallName, type Calls, type Handle, type Notice, type Reply,
} from './protocol.ts'

export interface UploadOptions {
  /** The data's buffer is given to the worker and is empty afterwards, rather than copied. */
  readonly transfer?: boolean
}

/** A Backend in a worker. `dispose` ends the worker (`terminate`) or closes the port. */
export interface RemoteBackend extends Backend {
  upload(value: HostTensor, options?: UploadOptions): Promise<DeviceTensor>
}

export interface RemoteOptions {
  /**
   * Called once if the worker ends before it was disposed of. Every pending and later call rejects with the
   * same.
   */
  readonly onExit?: (error: DeviceError) => void
}

class RemoteTensor implements DeviceTensor {
  readonly backend: string
  readonly shape: Shape
  readonly dtype: DType
  readonly handle: number
  private readonly live: Map<RemoteTensor, (handle: number) => void>
  constructor(
    live: Map<RemoteTensor, (handle: number) => void>,
    backend: string,
    { shape, dtype, handle }: Handle,
    free: (handle: number) => void,
  ) {
    this.backend = backend
    this.shape = shape
    this.dtype = dtype
    this.handle = handle
    this.live = live
    live.set(this, free)
  }
  get alive(): boolean {
    return this.live.has(this)
  }
  belongsTo(live: Map<RemoteTensor, unknown>): boolean {
    return this.live === live
  }
  /** The worker has consumed it. */
  forget(): void {
    this.live.delete(this)
  }
  dispose(): void {
    const free = this.live.get(this)
    this.forget()
    free?.(this.handle)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** Asks, and matches answers to questions, until the worker ends. */
function connection(port: Port, onExit: RemoteOptions['onExit']) {
  const pending = new Map<
    number,
    { call: CallName; resolve: (answer: never) => void; reject: (error: Error) => void }
  >()
  let name = ''
  let pooled = 0
  let asked = 0
  let ended: DeviceError | undefined

  const end = (why: (during: string) => DeviceError): void => {
    if (ended) return
    const calls = [...pending.values()]
    ended = why(calls.length > 0 ? ` during ${[...new Set(calls.map(({ call }) => call))].join(', ')}` : '')
    pending.clear()
    for (const { reject } of calls) reject(ended)
  }
  listen(port, {
    message: (value) => {
      const reply = value as Reply
      const question = pending.get(reply.id)
      if (!question) return
      pending.delete(reply.id)
      if ('error' in reply) return question.reject(fromWire(reply.error))
      pooled = reply.pooled
      question.resolve(reply.answer as never)
    },
    end: (how) => {
      if (ended) return
      end(
        (during) =>
          new DeviceError(
            `the worker of the backend${name && ` '${name}'`} ended${during}: ${how}; start it again`,
          ),
      )
      onExit?.(ended!)
    },
  })
  return {
    ask: <K extends CallName>(
      call: K,
      ask: Calls[K]['ask'],
      transfer: ArrayBuffer[] = [],
    ): Promise<Calls[K]['answer']> =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended)
        const id = ++asked
        // Posting may fail (data that cannot be cloned): then nobody will answer.
        port.postMessage({ id, call, ...ask }, transfer)
        pending.set(id, { call, resolve, reject })
      }),
    tell: (notice: Notice): void => {
      if (!ended) port.postMessage(notice)
    },
    rename: (to: string) => (name = to),
    pooled: () => pooled,
    isOver: () => ended !== undefined,
    close: (): void => {
      end(() => new DeviceError(`the backend '${name}' was disposed`))
      if (port.terminate) port.terminate()
      else port.close?.()
    },
  }
}

/**
 * The backend that `serveBackend` serves at the other end of `port`. Rejects with the error that kept it from
 * opening, or with DeviceError where the worker ends first.
 */
export async function remoteBackend(port: Port, { onExit }: RemoteOptions = {}): Promise<RemoteBackend> {
  const wire = connection(port, onExit)
  const live = new Map<RemoteTensor, (handle: number) => void>()
  const opened = await wire.ask('open', {}).catch((error: unknown) => {
    wire.close()
    throw error
  })
  const { name, capabilities } = opened
  wire.rename(name)

  const free = (handle: number): void => wire.tell({ free: handle })
  const hold = (handle: Handle): RemoteTensor => new RemoteTensor(live, name, handle, free)
  const own = (t: DeviceTensor, path: string): RemoteTensor => {
    if (!(t instanceof RemoteTensor) || !t.belongsTo(live)) {
      throw new DeviceError(
        `'${path}' lives on ${t.backend}, not in this worker; read it there and upload it here`,
      )
    }
    if (!t.alive) throw new DeviceError(`'${path}' was disposed of or donated`)
    return t
  }
  const packed = (value: HostTensor, transfer: boolean) => {
    const sent = parcel(value.data, transfer)
    return { value: { shape: value.shape, dtype: value.dtype, data: sent.data }, transfer: sent.transfer }
  }

  const compile: Backend['compile'] = async (program, { donate = [] } = {}) => {
    const consumed = program.inputs.map(({ path }) => path).filter((path) => matches(donate, path))
    const { executable, stats } = await wire.ask('compile', { program, donate: consumed })
    let alive = true
    const run: Executable['run'] = async (tree) => {
      if (!alive) throw new DeviceError('the executable was disposed; compile the program again')
      const transfer: ArrayBuffer[] = []
      const inputs = leaves<RunInput>(tree).map(({ path, value }) => {
        if (typeof value === 'number') return { path, value }
        if ('backend' in value) return { path, value: { handle: own(value, path).handle } }
        const sent = packed(value, false)
        transfer.push(...sent.transfer)
        return { path, value: sent.value }
      })
      const outputs = await wire.ask('run', { executable, inputs }, transfer)
      for (const { path, value } of leaves<RunInput>(tree)) {
        if (value instanceof RemoteTensor && consumed.includes(path)) value.forget()
      }
      return unflatten(
        outputs.map(({ path, value }): { path: string; value: DeviceTensor } => ({
          path,
          value: hold(value),
        })),
      )
    }
    const dispose = (): void => {
      if (alive) wire.tell({ drop: executable })
      alive = false
    }
    return { program, stats, run, dispose, [Symbol.dispose]: dispose }
  }

  const dispose = async (): Promise<void> => {
    if (wire.isOver()) return wire.close()
    // A worker that dies while it is closed is closed.
    await wire.ask('close', {}).catch(() => undefined)
    live.clear()
    wire.close()
  }

  return {
    name,
    capabilities,
    upload: async (given, { transfer = false } = {}) => {
      const sent = packed(given, transfer)
      return hold(await wire.ask('upload', { value: sent.value }, sent.transfer))
    },
    read: async (tensor) => wire.ask('read', { handle: own(tensor, 'tensor').handle }),
    compile,
    memory: () => ({
      tensors: live.size,
      bytes: [...live.keys()].reduce((n, t) => n + byteSize(t), 0),
      pooled: wire.pooled(),
    }),
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
