import { randomUUID } from 'node:crypto'
import { runExports } from '../src/actions/index.ts'
import { mintKey } from '../src/auth/api-keys.ts'
import type { PackageFile } from '../src/domain/export.ts'
import { canonicalHandling } from '../src/domain/handling.ts'
import { limits } from '../src/domain/limits.ts'
import { readZip, writeZip } from '../src/formats/export-zip.ts'
import { insertAccount } from '../src/store/accounts.ts'
import { insertKey } from '../src/store/keys.ts'
import { insertOrganisation } from '../src/store/organisations.ts'
import { type Line, median, rate, secondsOf } from './report.ts'
import { type BenchNode, startBenchNode } from './world.ts'

/** A police unit of the same state, with an approved request for what CERT.br lets it have. */
async function enrolLiaison({ context }: BenchNode, items: number): Promise<{ request: string; key: string }> {
  const { id, secret, digest } = mintKey()
  const request = randomUUID()
  await context.database.transaction(async (transaction) => {
    await insertOrganisation(transaction, {
      id: 'policia-br',
      name: 'Polícia',
      kind: 'law-enforcement',
      jurisdiction: 'BR',
    })
    await insertAccount(transaction, {
      id: 'rui.policia-br',
      organisation: 'policia-br',
      name: 'Rui',
      roles: ['liaison'],
    })
    await insertKey(transaction, { id, account: 'rui.policia-br', name: 'bench', digest, scopes: ['read', 'write'] })
    await transaction.client.query(
      `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction, facts,
         necessity, scope, named, originators, state, filed_at, approved_at, expires_at)
       values ($1, 'rui.policia-br', 'domestic-order', 'x', 'x', 'x', 'fraud', 'BR', 'x', 'x',
         '{"originators":["cert-br"],"types":["domain-name"]}', '{cert-br}', '{cert-br}', 'approved', now(), now() - interval '1 hour',
         now() + interval '30 days')`,
      [request],
    )
  })
  const [handling] = await context.policy.intern([
    canonicalHandling({
      ...{
        originator: 'cert-br',
        tlp: 'amber',
        pap: 'green',
        organisations: ['policia-br'],
        communities: [],
        people: [],
      },
      ...{ lawEnforcement: 'on-request', personalData: false, maskable: false, attribution: 'named' },
    }),
  ])
  await context.database.client.query(
    `with made as (
       select n, gen_random_uuid() as id, 'e' || n || '.bench.example.org' as name, timestamptz '2026-01-01' as at from generate_series(1, $2::int) n
     )
     insert into indicator (originator, stix_id, version, handling_id, type, value, value_key, compound, class, confidence, labels, valid_from,
       created, modified, format, stix, digest, position, date_added)
     select 'cert-br', id, 1, $1, 'domain-name', name, substr(sha256(convert_to('name:' || name, 'UTF8')), 1, 16), false, 'phishing', 70,
       array['rsit:fraud="phishing"'], at, at, at, 'puente',
       '{"type":"indicator","spec_version":"2.1","id":"indicator--' || id || '","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"' || name
         || '","pattern":"[domain-name:value = ''' || name || ''']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00.000Z"}',
       sha256(convert_to(name, 'UTF8')), 1000000 + n, at from made`,
    [handling, items],
  )
  return { request, key: secret }
}

/** A package of so many indicators: selected, decided, written, sealed, proven and fetched; against the zip of the same files alone. */
export async function exportLine(items: number, rounds: number): Promise<Line> {
  const node = await startBenchNode()
  try {
    const { request, key } = await enrolLiaison(node, items)
    const headers = { authorization: `Bearer ${key}` }
    const fetched = async (): Promise<Uint8Array> => {
      const started = await fetch(`${node.url}/v1/legal-requests/${request}/exports`, { method: 'POST', headers })
      const { id } = (await started.json()) as { id: string }
      while ((await runExports(node.context)) > 0);
      const answer = await fetch(`${node.url}/v1/exports/${id}/download`, { method: 'POST', headers })
      if (answer.status !== 200) throw new Error(await answer.text())
      return new Uint8Array(await answer.arrayBuffer())
    }
    const files = readZip(await fetched(), limits.exportBytes)
    const lines =
      Buffer.from(files.get('indicators.ndjson') ?? [])
        .toString()
        .split('\n').length - 1
    if (lines !== items) throw new Error(`${lines} indicators are in the package, not ${items}`)
    const entries = [...files].map(([name, content]) => ({ name: name as PackageFile, parts: [content] }))
    const ours: number[] = []
    const theirs: number[] = []
    for (let round = 0; round < rounds; round++) {
      ours.push(await secondsOf(fetched))
      theirs.push(
        await secondsOf(async () => {
          let bytes = 0
          for await (const part of writeZip(entries)) bytes += part.length
          if (bytes === 0) throw new Error('nothing was written')
        }),
      )
    }
    const name = `package of ${items} made and fetched, against its zip`
    return rate(name, 'items/s', items / median(ours), items / median(theirs), 0.1)
  } finally {
    await node.close()
  }
}
