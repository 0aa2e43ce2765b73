/** What the page says, in the languages of packages. What the check itself finds is named in English, as the command line does. */
export const texts = {
  en: {
    title: 'Check a package of Puente',
    lead: 'Everything happens in this page. It sends nothing, and needs no network.',
    file: 'The package (ZIP)',
    key: 'The node’s public key (name+id+key), from its operator, and not from the package',
    check: 'Check',
    working: 'Checking …',
    holds: 'It holds.',
    fails: 'It does not hold:',
    facts: { request: 'Request', caseReference: 'Case', items: 'Indicators', sha256: 'SHA-256 of the package' },
    noFile: 'Choose a file.',
    badKey: 'This is no key',
    unread: 'The file cannot be read',
  },
  es: {
    title: 'Verificar un paquete de Puente',
    lead: 'Todo sucede en esta página. No envía nada y no necesita red.',
    file: 'El paquete (ZIP)',
    key: 'La clave pública del nodo (name+id+key), de su operador, y no del paquete',
    check: 'Verificar',
    working: 'Verificando …',
    holds: 'Es íntegro.',
    fails: 'No es íntegro:',
    facts: { request: 'Solicitud', caseReference: 'Causa', items: 'Indicadores', sha256: 'SHA-256 del paquete' },
    noFile: 'Elija un archivo.',
    badKey: 'Esto no es una clave',
    unread: 'No se puede leer el archivo',
  },
  pt: {
    title: 'Verificar um pacote do Puente',
    lead: 'Tudo acontece nesta página. Ela não envia nada e não precisa de rede.',
    file: 'O pacote (ZIP)',
    key: 'A chave pública do nó (name+id+key), de seu operador, e não do pacote',
    check: 'Verificar',
    working: 'Verificando …',
    holds: 'É íntegro.',
    fails: 'Não é íntegro:',
    facts: { request: 'Pedido', caseReference: 'Caso', items: 'Indicadores', sha256: 'SHA-256 do pacote' },
    noFile: 'Escolha um arquivo.',
    badKey: 'Isto não é uma chave',
    unread: 'O arquivo não pode ser lido',
  },
} as const

export type Language = keyof typeof texts

/** The first of a browser's languages that the page knows; English otherwise. */
export const languageOf = (wanted: readonly string[]): Language =>
  wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag): tag is Language => tag in texts) ?? 'en'
