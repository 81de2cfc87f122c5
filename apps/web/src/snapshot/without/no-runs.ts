// What stands in place of ways to get a first run: a snapshot has one.

export const Empty = (): null => null
