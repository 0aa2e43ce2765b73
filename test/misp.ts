import type { Answer, TestNode } from './node.ts'

export const uuidOf = (n: number): string => `5bad1b96-53bc-4148-87eb-${String(n).padStart(12, '0')}`
export const tags = (...names: string[]) => ({ Tag: names.map((name) => ({ name })) })

/** A made-up event with a bit of everything. */
export const madeUp = (members: object = {}) => ({
  Event: {
    uuid: uuidOf(1),
    info: 'A campaign against banks',
    date: '2026-05-04',
    threat_level_id: '2',
    analysis: '1',
    published: true,
    timestamp: '1777900000',
    publish_timestamp: '1777900001',
    distribution: '3',
    Orgc: { name: 'CERT.example', uuid: uuidOf(90) },
    ...tags('tlp:green', 'PAP:AMBER', 'misp-galaxy:tool="Example"', 'rsit:fraud="phishing"'),
    Attribute: [
      {
        uuid: uuidOf(10),
        type: 'ip-src',
        category: 'Network activity',
        to_ids: true,
        value: '192.0.2.7',
        timestamp: '1777900002',
        comment: 'seen twice',
      },
      {
        uuid: uuidOf(11),
        type: 'filename|sha1',
        category: 'Payload delivery',
        to_ids: false,
        value: 'a.exe|da39a3ee5e6b4b0d3255bfef95601890afd80709',
        timestamp: '1777900003',
      },
      {
        uuid: uuidOf(12),
        type: 'ip-dst|port',
        category: 'Network activity',
        to_ids: true,
        value: '192.0.2.8|443',
        timestamp: '1777900004',
        ...tags('tlp:amber', 'puente:audience="community:lac-csirts"', 'kill-chain:c2'),
      },
      {
        uuid: uuidOf(13),
        type: 'text',
        category: 'Other',
        to_ids: false,
        value: 'who was it',
        timestamp: '1777900005',
      },
      {
        uuid: uuidOf(14),
        type: 'target-email',
        category: 'Targeting data',
        to_ids: false,
        value: 'victim@example.com',
        timestamp: '1777900006',
      },
      {
        uuid: uuidOf(15),
        type: 'email-src',
        category: 'Payload delivery',
        to_ids: true,
        value: 'mallory@example.org',
        timestamp: '1777900007',
      },
    ],
    Object: [
      {
        uuid: uuidOf(20),
        name: 'file',
        'meta-category': 'file',
        template_uuid: uuidOf(91),
        template_version: '24',
        timestamp: '1777900010',
        comment: 'the dropper',
        ObjectReference: [{ uuid: uuidOf(92), referenced_uuid: uuidOf(10), relationship_type: 'connects-to' }],
        Attribute: [
          {
            uuid: uuidOf(21),
            object_relation: 'filename',
            type: 'filename',
            category: 'Payload delivery',
            to_ids: false,
            value: 'b.exe',
            timestamp: '1777900011',
          },
          {
            uuid: uuidOf(22),
            object_relation: 'sha256',
            type: 'sha256',
            category: 'Payload delivery',
            to_ids: true,
            value: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
            timestamp: '1777900012',
          },
          {
            uuid: uuidOf(23),
            object_relation: 'size-in-bytes',
            type: 'size-in-bytes',
            category: 'Other',
            to_ids: false,
            value: '17',
            timestamp: '1777900013',
          },
        ],
      },
      {
        uuid: uuidOf(30),
        name: 'domain-ip',
        'meta-category': 'network',
        ...tags('tlp:amber+strict'),
        distribution: '0',
        Attribute: [
          {
            uuid: uuidOf(31),
            object_relation: 'domain',
            type: 'domain',
            category: 'Network activity',
            to_ids: true,
            value: 'c2.example.org',
            timestamp: '1777900020',
          },
        ],
      },
    ],
    ...members,
  },
})

export const push = (node: TestNode, account: string, document: object, query = ''): Promise<Answer> =>
  node.call(account, {
    method: 'POST',
    url: `/v1/indicators?format=misp${query}`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(document),
  })

/** A client of MISP: the key alone in its header, as PyMISP sends it (pymisp/api.py, `_prepare_request`). */
export const misp = (node: TestNode, account: string) => {
  const key = node.as(account).authorization?.replace('Bearer ', '')
  const send = (method: 'GET' | 'POST' | 'HEAD', path: string, body?: object, headers: object = {}) =>
    node.call('anonymous', {
      method,
      url: `/misp/${path}`,
      headers: {
        ...(key === undefined ? {} : { authorization: key }),
        accept: 'application/json',
        'content-type': 'application/json',
        ...headers,
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
  return {
    get: (path: string) => send('GET', path),
    head: (path: string) => send('HEAD', path),
    post: (path: string, body: object = {}, headers: object = {}) => send('POST', path, body, headers),
  }
}

export interface Attribute {
  readonly uuid: string
  readonly type: string
  readonly value: string
  readonly category: string
  readonly to_ids: boolean
  readonly comment: string
  readonly Tag?: readonly { readonly name: string }[]
  readonly object_relation: string | null
}
export interface Event {
  readonly uuid: string
  readonly Attribute: readonly Attribute[]
  readonly Object: readonly { readonly uuid: string; readonly name: string; readonly Attribute: readonly Attribute[] }[]
  readonly Tag: readonly { readonly name: string }[]
}

export const everything = ({ Attribute: alone, Object: objects = [] }: Event) => [
  ...alone,
  ...objects.flatMap((each) => each.Attribute),
]
export const uuids = (event: Event) =>
  everything(event)
    .map(({ uuid }) => uuid)
    .sort()
export const named = (n: number) => (each: { readonly uuid: string }) => each.uuid === uuidOf(n)

/** What PyMISP makes of an event, and throws at (pymisp/mispevent.py: `MISPEvent.from_dict`, `MISPAttribute.from_dict`). */
export function refusedByPymisp(event: object): string[] {
  const wrong: string[] = []
  const numbers = [
    'id',
    'event_id',
    'object_id',
    'org_id',
    'orgc_id',
    'timestamp',
    'publish_timestamp',
    'sharing_group_id',
    'threat_level_id',
    'analysis',
    'attribute_count',
  ]
  const look = (each: Record<string, unknown>, where: string, needed: readonly string[]) => {
    for (const name of numbers)
      if (each[name] !== undefined && !/^\d+$/.test(String(each[name]))) wrong.push(`${where}: int(${name})`)
    for (const name of needed) if (typeof each[name] !== 'string' || each[name] === '') wrong.push(`${where}: ${name}`)
    if (!['0', '1', '2', '3', '4', '5'].includes(String(each.distribution))) wrong.push(`${where}: distribution`)
    if (String(each.distribution) === '4' && Number(each.sharing_group_id) === 0) wrong.push(`${where}: sharing group`)
    for (const name of ['first_seen', 'last_seen'])
      if (each[name] && Number.isNaN(Date.parse(String(each[name])))) wrong.push(`${where}: ${name}`)
    for (const tag of (each.Tag as { readonly name?: string }[] | undefined) ?? [])
      if (!tag.name) wrong.push(`${where}: Tag`)
  }
  const { Attribute: alone, Object: objects, ...head } = event as Record<string, unknown> & Event
  look(head, 'event', ['uuid', 'info', 'date'])
  for (const each of everything({ ...head, Attribute: alone, Object: objects } as Event))
    look({ ...each }, each.uuid, ['uuid', 'type', 'category', 'value'])
  for (const each of objects) look({ ...each }, each.uuid, ['uuid', 'name', 'meta-category', 'template_version'])
  return wrong
}

/** Pattern, labels and markings of every indicator, by its id. */
export async function stixOf(node: TestNode): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  let url: string | undefined = '/v1/indicators?format=stix&limit=1000'
  while (url !== undefined) {
    const answer: Answer = await node.call('ana.cert-br', { method: 'GET', url })
    for (const { type, id, pattern, labels = [], object_marking_refs: markings } of JSON.parse(answer.text).objects)
      if (type === 'indicator') found.set(id, [pattern, [...labels].sort(), markings])
    url = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ''))?.[1]
  }
  return new Map([...found].sort(([x], [y]) => (x < y ? -1 : 1)))
}
