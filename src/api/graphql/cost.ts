import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getVariableValues,
  isCompositeType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql'

/** A question about the schema: it is in memory and small, but its answer is not. */
const introspectionCost = 100

/**
 * What an operation costs, as `@cost` and `@listSize` of the contract say (IBM's GraphQL Cost Directives specification; here
 * several slicing arguments multiply, and a list counts its items). Never less for what is absent or negative.
 * @param document validated, with one operation
 * @param variables as received, and found to fit
 */
export function costOf(schema: GraphQLSchema, document: DocumentNode, variables: Record<string, unknown>): number {
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION)
  const root = operation === undefined ? undefined : schema.getRootType(operation.operation)
  if (operation === undefined || root === undefined || root === null) return 0
  return new Costs(schema, document, operation, variables).of(operation.selectionSet, root, new Map())
}

class Costs {
  readonly #schema: GraphQLSchema
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #variables: Record<string, unknown>
  /** Fragments already reckoned: one that is spread often is walked once. */
  readonly #reckoned = new Map<string, number>()

  constructor(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
  ) {
    this.#schema = schema
    const fragments = document.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION)
    this.#fragments = new Map(fragments.map((fragment) => [fragment.name.value, fragment]))
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
    if (coerced === undefined) throw new GraphQLError('The variables do not fit.')
    this.#variables = coerced
  }

  /** @param sizes how many of each field there are, where the field above says so */
  of(
    selectionSet: SelectionSetNode | undefined,
    type: GraphQLCompositeType,
    sizes: ReadonlyMap<string, number>,
  ): number {
    let cost = 0
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        cost += this.#field(selection, type, sizes)
      } else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        // The parts of a connection may come by fragment: then their sizes multiply the whole of it.
        cost += this.#fragment(selection.name.value) * Math.max(1, ...sizes.values())
      } else {
        const { typeCondition } = selection
        const narrowed = typeCondition === undefined ? type : typeFromAST(this.#schema, typeCondition)
        if (isCompositeType(narrowed)) cost += this.of(selection.selectionSet, narrowed, sizes)
      }
    }
    return cost
  }

  #fragment(name: string): number {
    const reckoned = this.#reckoned.get(name)
    if (reckoned !== undefined) return reckoned
    const fragment = this.#fragments.get(name)
    const type = fragment === undefined ? undefined : typeFromAST(this.#schema, fragment.typeCondition)
    const cost = isCompositeType(type) ? this.of(fragment?.selectionSet, type, new Map()) : 0
    this.#reckoned.set(name, cost)
    return cost
  }

  #field(node: FieldNode, parent: GraphQLCompositeType, sizes: ReadonlyMap<string, number>): number {
    const name = node.name.value
    if (name === '__typename') return 0
    const field = isUnionType(parent) ? undefined : parent.getFields()[name]
    if (field === undefined) return introspectionCost
    const below = getNamedType(field.type)
    const { own, children } = this.#sizes(field, node)
    const nested = isCompositeType(below) ? this.of(node.selectionSet, below, children) : 0
    return (sizes.get(name) ?? 1) * own * (this.#weight(field) + nested)
  }

  #weight(field: GraphQLField<unknown, unknown>): number {
    const weight = this.#directive(field, 'cost')?.weight
    if (typeof weight === 'string') return Number(weight)
    return isCompositeType(getNamedType(field.type)) ? 1 : 0
  }

  /** How often the field itself counts, or the fields below it that are the list. */
  #sizes(field: GraphQLField<unknown, unknown>, node: FieldNode) {
    const said = this.#directive(field, 'listSize')
    const given = getArgumentValues(field, node, this.#variables)
    // Null asks for the default, as the resolvers read it: it costs what the default costs.
    const slicing = texts(said?.slicingArguments).map((name) =>
      sizeOf(given[name] ?? field.args.find((each) => each.name === name)?.defaultValue),
    )
    const assumed = typeof said?.assumedSize === 'number' ? said.assumedSize : 1
    const size = slicing.length === 0 ? assumed : slicing.reduce((product, each) => product * each, 1)
    const sized = texts(said?.sizedFields)
    return sized.length === 0
      ? { own: size, children: new Map<string, number>() }
      : { own: 1, children: new Map(sized.map((name) => [name, size])) }
  }

  #directive(field: GraphQLField<unknown, unknown>, name: string): Record<string, unknown> | undefined {
    const directive = this.#schema.getDirective(name)
    if (directive === null || directive === undefined || field.astNode === null || field.astNode === undefined)
      return undefined
    return getDirectiveValues(directive, field.astNode)
  }
}

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

/** A negative number must not pay for anything else. */
const sizeOf = (value: unknown): number =>
  Array.isArray(value) ? Math.max(1, value.length) : typeof value === 'number' ? Math.max(1, value) : 1
