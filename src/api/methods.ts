import type { FastifyInstance } from 'fastify'

interface Door {
  readonly segments: readonly string[]
  readonly methods: readonly string[]
}

/** Collects the doors from now on. @returns the methods that a path answers, none where there is no door at all */
export function methodsOf(app: FastifyInstance): (path: string) => string[] {
  const doors: Door[] = []
  app.addHook('onRoute', ({ method, url }) => {
    doors.push({ segments: url.split('/'), methods: [method].flat() })
  })
  return (path) => {
    const segments = path.split('/')
    const found = doors.filter((door) => fits(door.segments, segments)).flatMap(({ methods }) => methods)
    return [...new Set(found)].sort()
  }
}

function fits(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1) === '*'
  if (open ? path.length < pattern.length : path.length !== pattern.length) return false
  return pattern.every((each, i) => each === '*' || each === path[i] || (each.startsWith(':') && path[i] !== ''))
}
