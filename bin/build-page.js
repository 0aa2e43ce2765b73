#!/usr/bin/env node
/**
 * Writes dist/verify-package.html: the check of `puente export verify` as one file that a browser opens from a disk. Script and style stand in
 * it, and its policy names them by their digests, so that it runs nothing else and reaches no network.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const page = new URL('../src/cli/export/page/', import.meta.url)
const at = (name) => fileURLToPath(new URL(name, page))

const { outputFiles } = await build({
  entryPoints: [at('page.ts')],
  bundle: true,
  write: false,
  minify: true,
  format: 'iife',
  target: 'es2020',
  alias: { 'node:crypto': at('crypto.ts') },
  inject: [at('buffer.ts')],
  // the page is text in a document: nothing in it may end its script
  supported: { 'inline-script': false },
  legalComments: 'eof',
  logLevel: 'warning',
})
const style = readFileSync(at('page.css'), 'utf8').trim()
const script = outputFiles[0]?.text.trim() ?? ''
if (/<\/script|<!--/i.test(script)) throw new Error('the script of the page would end itself')
const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const parts = { script, style, 'script-hash': hashOf(script), 'style-hash': hashOf(style) }
const html = readFileSync(at('page.html'), 'utf8').replace(/\{([a-z-]+)\}/g, (whole, name) => parts[name] ?? whole)
writeFileSync(fileURLToPath(new URL('../dist/verify-package.html', import.meta.url)), html)
