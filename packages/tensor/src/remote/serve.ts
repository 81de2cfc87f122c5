/** The worker's side: a real backend behind a port. It owns the tensors; the caller holds their numbers. */
import type { Backend, DeviceTensor, Executable, RunInput } from '../backend.ts'
import { DeviceError } from '../errors.ts'
import { leaves, unflatten } from '../tree.ts'
import { listen, type Port } from './port.ts'
import { parcel, toWire, type Handle, type Notice, type Reply, type Request } from './protocol.ts'

/**
 * Serves the backend that `opening` resolves to, one request after the other, until the caller disposes of it
 * or the
 * port closes; then disposes of the backend. Call it at once in a worker, before anything is awaited, so that
 * no
 * message is missed. Resolves when all is over. Where `opening` rejects, the caller's `remoteBackend` does.
 */
export function serveBackend(port: Port, opening: Promise<Backend>): Promise<void> {
  // A backend that does not open is told to whoever asks; until then nobody listens to the rejection.
  opening.catch(() => undefined)
  const tensors = new Map<number, DeviceTensor>()
  const executables = new Map<number, Executable>()
  let given = 0

  const keep = (tensor: DeviceTensor): Handle => {
    tensors.set(++given, tensor)
    return { handle: given, shape: [...tensor.shape], dtype: tensor.dtype }
  }
  const find = (handle: number, path: string): DeviceTensor => {
    const tensor = tensors.get(handle)
    if (!tensor?.alive) throw new DeviceError(`'${path}' was disposed of or donated`)
    return tensor
  }

  async function answer(
    backend: Backend,
    request: Request,
  ): Promise<[answer: object | null, transfer?: ArrayBuffer[]]> {
    switch (request.call) {
      case 'open':
        return [{ name: backend.name, capabilities: backend.capabilities }]
      case 'upload':
        return [keep(await backend.upload(request.value))]
      case 'read': {
        const { shape, dtype, data } = await backend.read(find(request.handle, 'tensor'))
        const sent = parcel(data, true)
        return [{ shape, dtype, data: sent.data }, sent.transfer]
      }
      case 'compile': {
        const executable = await backend.compile(request.program, { donate: request.donate })
        executables.set(++given, executable)
        return [{ executable: given, stats: { ...executable.stats } }]
      }
      case 'run': {
        const executable = executables.get(request.executable)
        if (!executable) throw new DeviceError('the executable was disposed; compile the program again')
        const inputs = request.inputs.map(({ path, value }): { path: string; value: RunInput } => ({
          path,
          value: typeof value === 'object' && 'handle' in value ? find(value.handle, path) : value,
        }))
        const outputs = leaves(await executable.run(unflatten(inputs)))
        for (const [handle, tensor] of tensors) if (!tensor.alive) tensors.delete(handle)
        return [outputs.map(({ path, value }) => ({ path, value: keep(value) }))]
      }
      case 'close':
        await backend.dispose()
        return [null]
    }
  }

  return new Promise((over) => {
    let ended = false
    const notice = (note: Notice): void => {
      const [map, key] = 'free' in note ? [tensors, note.free] : [executables, note.drop]
      map.get(key)?.dispose()
      map.delete(key)
    }
    const respond = async (request: Request): Promise<void> => {
      try {
        const backend = await opening
        const [value, transfer] = await answer(backend, request)
        port.postMessage(
          { id: request.id, answer: value, pooled: backend.memory().pooled } as Reply,
          transfer ?? [],
        )
      } catch (error) {
        port.postMessage({ id: request.id, error: toWire(error) } satisfies Reply)
      }
      if (request.call === 'close') finish()
    }
    const finish = (): void => {
      if (ended) return
      ended = true
      over(
        opening.then(
          (backend) => backend.dispose(),
          () => undefined,
        ),
      )
    }
    let queue: Promise<void> = Promise.resolve()
    listen(port, {
      message: (value) => {
        const message = value as Request | Notice
        queue = queue.then(() => ('id' in message ? respond(message) : notice(message)))
      },
      end: () => void queue.then(finish),
    })
  })
}
