import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  Location,
  OperationTypeNode,
  type SelectionSetNode,
  visit,
} from 'graphql'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'

/**
 * What a document must be before it is even validated (validation compares fields pairwise, so its size is limited first). Tokens
 * are counted by the parser.
 * @param door what the document came by: a subscription comes over a WebSocket, and nothing else does
 * @throws {Fault} `malformed`, `invalid_request`, `query_too_costly`
 */
export function admit(document: DocumentNode, door: 'http' | 'websocket'): void {
  // mercurius also takes an AST as JSON, which passes by the parser and its limits: only parsed text has a location.
  if (!(document.loc instanceof Location)) throw new Fault('malformed', 'The query is not a GraphQL document.')
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION)
  const [operation] = operations
  if (operation === undefined || operations.length > 1) {
    throw new Fault('invalid_request', `A document has one operation; this one has ${operations.length}.`)
  }
  if ((operation.operation === OperationTypeNode.SUBSCRIPTION) !== (door === 'websocket')) {
    throw new Fault('invalid_request', 'Subscriptions are made over a WebSocket, and nothing else is.')
  }
  const aliases = aliasesOf(document)
  if (aliases > limits.graphqlAliases) {
    throw new Fault(
      'query_too_costly',
      `A document has at most ${limits.graphqlAliases} aliases; this one has ${aliases}.`,
    )
  }
  const depth = new Depths(document).of(operation.selectionSet)
  if (depth > limits.graphqlDepth) {
    throw new Fault('query_too_costly', `Fields nest at most ${limits.graphqlDepth} deep; here ${depth}.`)
  }
}

function aliasesOf(document: DocumentNode): number {
  let count = 0
  visit(document, {
    Field(field) {
      if (field.alias !== undefined) count++
    },
  })
  return count
}

/** How deep selections nest, each fragment measured once: a document of fragments that spread each other grows no work. */
class Depths {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #measured = new Map<string, number>()

  constructor(document: DocumentNode) {
    const fragments = document.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION)
    this.#fragments = new Map(fragments.map((fragment) => [fragment.name.value, fragment]))
  }

  of(selectionSet: SelectionSetNode | undefined): number {
    let deepest = 0
    for (const selection of selectionSet?.selections ?? []) {
      const depth =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? this.#fragment(selection.name.value)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? this.of(selection.selectionSet)
            : // The schema is public and small; graphql's own rule keeps questions about it from nesting.
              1 + (selection.name.value.startsWith('__') ? 0 : this.of(selection.selectionSet))
      deepest = Math.max(deepest, depth)
    }
    return deepest
  }

  #fragment(name: string): number {
    const measured = this.#measured.get(name)
    if (measured !== undefined) return measured
    // A fragment that spreads itself counts nothing here; validation refuses it.
    this.#measured.set(name, 0)
    const depth = this.of(this.#fragments.get(name)?.selectionSet)
    this.#measured.set(name, depth)
    return depth
  }
}
