/**
 * Trees of tensors: nested plain objects and arrays whose leaves are anything with a shape and a dtype
 * (a Spec, a traced Tensor, a DeviceTensor, a HostTensor) or a plain number, which stands for a scalar.
 *
 * A leaf's name is its dot path (`params.layers.3.mlp.up`); the order is the order in which the tree was
 * written. `undefined` is an empty tree, so that an optimizer without state needs no special case.
 */

export interface Branch<T> {
  readonly [key: string]: Tree<T>
}
export type Tree<T> = T | Branch<T> | readonly Tree<T>[] | undefined

export interface Leaf<T> {
  readonly path: string
  readonly value: T
}

const isLeaf = (node: unknown): boolean =>
  typeof node === 'number' || (typeof node === 'object' && node !== null && 'dtype' in node && 'shape' in node)

const join = (prefix: string, key: string | number): string => (prefix === '' ? `${key}` : `${prefix}.${key}`)

/** The leaves of a tree with their paths, in order. Throws TypeError on anything that is no tree. */
export function leaves<T>(tree: Tree<T>, prefix = ''): Leaf<T>[] {
  if (tree === undefined || tree === null) return []
  if (isLeaf(tree)) return [{ path: prefix, value: tree as T }]
  if (Array.isArray(tree)) return tree.flatMap((child, i) => leaves(child as Tree<T>, join(prefix, i)))
  if (typeof tree === 'object') {
    return Object.entries(tree).flatMap(([key, child]) => {
      if (key === '' || key.includes('.')) throw new TypeError(`tree key ${JSON.stringify(key)} at '${prefix}' is empty or has a dot`)
      return leaves(child as Tree<T>, join(prefix, key))
    })
  }
  throw new TypeError(`'${prefix}' is a ${typeof tree}; a tree holds objects, arrays, tensors and numbers`)
}

/** The inverse of `leaves`: children named 0, 1, … n−1 become an array. */
export function unflatten<T>(entries: Iterable<Leaf<T>>): Tree<T> {
  const list = [...entries]
  if (list.length === 0) return undefined
  if (list.length === 1 && list[0].path === '') return list[0].value
  const children = new Map<string, Leaf<T>[]>()
  for (const { path, value } of list) {
    const dot = path.indexOf('.')
    const key = dot < 0 ? path : path.slice(0, dot)
    const rest = { path: dot < 0 ? '' : path.slice(dot + 1), value }
    const known = children.get(key)
    if (known) known.push(rest)
    else children.set(key, [rest])
  }
  if ([...children.keys()].every((key, i) => key === `${i}`)) return [...children.values()].map(unflatten)
  return Object.fromEntries([...children].map(([key, sub]) => [key, unflatten(sub)])) as Branch<T>
}

/** The same tree with every leaf replaced. */
export const mapTree = <T, U>(tree: Tree<T>, f: (value: T, path: string) => U): Tree<U> =>
  unflatten(leaves(tree).map(({ path, value }) => ({ path, value: f(value, path) })))

/** Which leaves a caller means: a path (itself and all below it), several, or a predicate on paths. */
export type PathFilter = string | readonly string[] | ((path: string) => boolean)

export function matches(filter: PathFilter, path: string): boolean {
  if (typeof filter === 'function') return filter(path)
  const one = (prefix: string) => prefix === '' || path === prefix || path.startsWith(`${prefix}.`)
  return typeof filter === 'string' ? one(filter) : filter.some(one)
}
