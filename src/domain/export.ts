import type { LegalScope } from './legal-request.ts'

export const exportStates = [
  'queued',
  'running',
  'sealing',
  'ready',
  'downloaded',
  'cancelled',
  'failed',
  'outdated',
] as const
export type ExportState = (typeof exportStates)[number]

/** States in which the node still works on one, and in which it waits to be fetched. */
export const openExportStates: readonly ExportState[] = ['queued', 'running', 'sealing', 'ready']

export const exportLanguages = ['en', 'es', 'pt'] as const
export type ExportLanguage = (typeof exportLanguages)[number]

/** The files of a package, in the order in which they are in it. */
export const packageFiles = [
  'README.txt',
  'indicators.ndjson',
  'indicators.csv',
  'handling.csv',
  'manifest.json',
  'manifest.jws',
  'audit-proof.json',
] as const
export type PackageFile = (typeof packageFiles)[number]

/** Files whose digests the manifest holds; it is signed itself, and the proof is of the log. */
export const manifestedFiles = ['README.txt', 'indicators.ndjson', 'indicators.csv', 'handling.csv'] as const

export const manifestFormat = 'puente-export/1'

/** What a package says of itself; signed. Hashes are SHA-256, hex. */
export interface Manifest {
  readonly format: typeof manifestFormat
  readonly node: { readonly id: string; readonly key: string }
  readonly request: {
    readonly id: string
    readonly liaison: string
    readonly organisation: string
    readonly instrument: string
    readonly citation: string
    readonly authority: string
    readonly caseReference: string
    readonly offence: string
    readonly requestingJurisdiction: string
    readonly handlingCode?: string
    readonly scope: LegalScope
    readonly approvedAt: string
    readonly expiresAt: string
    readonly approvals: readonly { readonly side: string; readonly at: string }[]
  }
  /** What decided: the version of the program whose rules they are, and digests of the liaison and the directory as they were. */
  readonly policy: { readonly program: string; readonly reader: string; readonly world: string }
  /** Agreements that decisions rested on. */
  readonly agreements: readonly { readonly id: string; readonly name: string; readonly citation: string }[]
  /** Names the place in the feed; opaque. */
  readonly position: string
  readonly counts: { readonly items: number; readonly masked: number }
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[]
  /** The lines of indicators.ndjson, in order. */
  readonly items: readonly {
    readonly id: string
    readonly version: number
    readonly sha256: string
    /** The request under which the copy was preserved that this one is. */
    readonly preservedUnder?: string
  }[]
}
