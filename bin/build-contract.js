#!/usr/bin/env node
/** Writes dist/openapi.json: openapi.yaml parsed, with the digest of the text it was made from, which `src/api/rest/contract.ts` compares. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const at = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

const text = readFileSync(at('openapi.yaml'), 'utf8')
const digest = createHash('sha256').update(text).digest('hex')
writeFileSync(at('dist/openapi.json'), JSON.stringify({ digest, document: parse(text) }))
