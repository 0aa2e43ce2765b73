import { createHash } from 'node:crypto'
import { signDetached } from '../auth/manifest-signature.ts'
import { Fault } from '../domain/errors.ts'
import { type Manifest, manifestedFiles, manifestFormat } from '../domain/export.ts'
import { decisionsOf, type LegalRequest } from '../domain/legal-request.ts'
import { limits } from '../domain/limits.ts'
import { formatKey, privateKeyOf } from '../seal/note.ts'
import { appendAudits } from '../store/audit.ts'
import type { Transaction } from '../store/database.ts'
import { type ExportItemRow, itemsFrom } from '../store/export-items.ts'
import { disclosedAs, updateHeldExport } from '../store/exports.ts'
import { stixIdOf } from '../store/rows.ts'
import { proveInclusion } from './audit-proofs.ts'
import type { Context } from './context.ts'
import { staleItems } from './export-escrow.ts'
import { fileParts, measured, packageParts, positionName } from './export-package.ts'
import { ContentMoved, groundsOf, type Work } from './export-work.ts'
import { auditKey, integrateAudit } from './integrate-audit.ts'
import { basesOfDecisions, readingOf } from './reading.ts'
import { permittedFor } from './visible.ts'

/**
 * Makes a package of what was written: manifest, signature and audit leaf; then the proof that the leaf is in the log; then it is ready. Each
 * is a step of its own. The disclosure is on the log before anything of it can be fetched.
 * @returns false when the leaf has no place in the tree yet
 */
export async function sealExport(context: Context, work: Work): Promise<boolean> {
  const { row, request } = work
  if (row.leaf === null) {
    await disclose(context, work)
    return true
  }
  if (row.proof === null) return await prove(context, work)
  // What is on the log stays what it was: what changed since can be selected anew by another export only.
  if ((await staleItems(context.database, context, work)) > 0) {
    const ended = { state: 'outdated', endedAt: context.clock(), heldUntil: null } as const
    await updateHeldExport(context.database, row, ended)
    return true
  }
  const { bytes, digest } = await measured(packageParts(context, row, request))
  const change = { state: 'ready', bytes: BigInt(bytes), digest, readyAt: context.clock(), heldUntil: null } as const
  await updateHeldExport(context.database, row, change)
  return true
}

async function disclose(context: Context, work: Work): Promise<void> {
  const { row } = work
  if ((await staleItems(context.database, context, work)) > 0)
    throw new ContentMoved('an item of an export changed before it was sealed')
  const items = await allItems(context, work)
  const manifest = JSON.stringify(await manifestOf(context, work, items))
  const manifestDigest = createHash('sha256').update(manifest).digest()
  const { signingKey } = context.node
  const signature = await signDetached(manifest, privateKeyOf(signingKey), formatKey(auditKey(context)))
  await context.database.transaction(async (transaction) => {
    const earlier = await disclosedAs(transaction, manifestDigest)
    const known = earlier === undefined ? undefined : { leaf: earlier.leaf, proof: earlier.proof }
    const logged = known ?? { leaf: await log(transaction, context, work, items, manifestDigest), proof: null }
    const change = { manifest, manifestDigest, signature, ...logged, heldUntil: null }
    if (!(await updateHeldExport(transaction, row, change))) throw new ContentMoved('the export was cancelled')
  })
}

/** Rows without their texts: what the manifest and the log say of items. */
type Told = Omit<ExportItemRow, 'stix' | 'csv' | 'handling'>

async function allItems(context: Context, { row }: Work): Promise<Told[]> {
  const items: Told[] = []
  for (let from = 0; from < row.items; from += limits.exportBatch) {
    for (const { stix: _, csv: __, handling: ___, ...told } of await itemsFrom(
      context.database,
      row.id,
      from,
      limits.exportBatch,
    ))
      items.push(told)
  }
  return items
}

async function manifestOf(context: Context, work: Work, items: readonly Told[]): Promise<Manifest> {
  const { row, request, caller, standing } = work
  const files: Manifest['files'][number][] = []
  for (const name of manifestedFiles) {
    const { bytes, digest } = await measured(fileParts(context, row, request, name))
    files.push({ name, bytes, sha256: digest.toString('hex') })
  }
  const grounds = new Map(items.map(({ handlingId, hold }) => [`${handlingId} ${hold}`, { handlingId, hold }]))
  const relied = new Set(
    [...grounds.values()].flatMap(
      ({ handlingId, hold }) => groundsOf(context, caller, standing, handlingId, hold).agreements,
    ),
  )
  return {
    format: manifestFormat,
    node: { id: context.node.id, key: formatKey(auditKey(context)) },
    request: { ...requestOf(request), organisation: caller.reader.organisation?.id ?? '' },
    policy: { program: context.version, ...basesOfDecisions(caller, standing) },
    agreements: standing.directory.agreements
      .filter(({ id }) => relied.has(id))
      .map(({ id, name, citation }) => ({ id, name, citation })),
    position: positionName(context, row.position ?? 0n),
    counts: { items: row.items, masked: row.masked },
    files,
    items: items.map(({ stixId, version, digest, hold }) => ({
      id: stixIdOf(stixId),
      version,
      sha256: digest?.toString('hex') ?? '',
      ...(hold === null ? {} : { preservedUnder: hold }),
    })),
  }
}

function requestOf(request: LegalRequest): Omit<Manifest['request'], 'organisation'> {
  const { id, liaison, instrument, citation, authority, caseReference, offence } = request
  const approvals = [...decisionsOf(request.steps).values()].filter(({ step }) => step === 'approve')
  return {
    ...{ id, liaison, instrument, citation, authority, caseReference, offence },
    requestingJurisdiction: request.requestingJurisdiction,
    ...(request.handlingCode === undefined ? {} : { handlingCode: request.handlingCode }),
    scope: request.scope,
    approvedAt: request.approvedAt ?? '',
    expiresAt: request.expiresAt,
    approvals: approvals.map(({ side, at }) => ({ side, at })),
  }
}

/** Two leaves: what was read, so that the policy can be asked again about it; and that it is this manifest. @returns the second's number */
async function log(
  transaction: Transaction,
  context: Context,
  { row, request, caller, standing }: Work,
  items: readonly Told[],
  manifestDigest: Buffer,
): Promise<bigint> {
  // What is of a hold was given though no reading would: it is told by itself, and the policy is not asked about it as about readings.
  const held = items.filter(({ hold }) => hold !== null)
  const standingNow = items.filter(({ hold }) => hold === null)
  const read = standingNow.map(({ originator, stixId, version, handlingId }) => ({
    ...{ originator, version, handlingId },
    id: stixIdOf(stixId),
  }))
  const permitted = permittedFor(context, caller, standing)
  const reading = readingOf(context, caller, standing, permitted, 'start-export', read)
  if (reading !== undefined) await appendAudits(transaction, [reading.entry], reading.bases)
  const [leaf] = await appendAudits(transaction, [
    {
      at: context.clock(),
      action: 'start-export',
      actor: caller.reader.account,
      organisation: caller.reader.organisation?.id,
      decision: row.masked > 0 ? 'redact' : 'permit',
      rules: ['action.start-export'],
      purpose: caller.purpose,
      requests: [request.id],
      policyEpoch: standing.directory.epoch,
      program: context.version,
      subject: JSON.stringify({
        request: request.id,
        manifest: manifestDigest.toString('hex'),
        items: row.items,
        masked: row.masked,
        ...(held.length === 0
          ? {}
          : {
              held: held.map(({ hold, originator, stixId, version }) => [hold, originator, stixIdOf(stixId), version]),
            }),
      }),
    },
  ])
  if (leaf === undefined) throw new Error('a disclosure was not written')
  return leaf
}

async function prove(context: Context, { row, caller }: Work): Promise<boolean> {
  await integrateAudit(context)
  try {
    const { leaf, hash, index, size, path, checkpoint } = await proveInclusion(context, caller, {
      leaf: String(row.leaf),
    })
    // Only what can be checked with the key alone: a number that names the leaf is the node's own affair.
    const told = { text: leaf?.text, subject: leaf?.subject, salt: leaf?.salt }
    const proof = `${JSON.stringify({ leaf: told, hash, index, size, path, checkpoint })}\n`
    await updateHeldExport(context.database, row, { proof, heldUntil: null })
    return true
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not_found') throw error
    // Another process has the tree: the leaf is in it in a moment.
    await updateHeldExport(context.database, row, { heldUntil: null })
    return false
  }
}
