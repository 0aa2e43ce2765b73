#!/usr/bin/env node
import { existsSync } from 'node:fs'

// Libraries check less, and faster, where they are not being developed on.
process.env.NODE_ENV ??= 'production'

const built = new URL('../dist/src/cli/main.js', import.meta.url)
if (existsSync(built)) {
  const { run } = await import(built.href)
  process.exitCode = await run(process.argv.slice(2))
} else {
  console.error('Puente is not built yet: run npm run build')
  process.exitCode = 2
}
