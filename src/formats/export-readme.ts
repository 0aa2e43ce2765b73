import type { ExportLanguage } from '../domain/export.ts'

interface ReadmeFacts {
  readonly request: string
  readonly caseReference: string
  readonly liaison: string
  readonly items: number
  readonly masked: number
  /** The node's public key, `name+id+key`. */
  readonly key: string
}

/** README.txt of a package: what it is, how to verify it, and what whoever has it owes. Lines end as on Windows. */
export const packageReadme = (language: ExportLanguage, facts: ReadmeFacts): string =>
  `\ufeff${texts[language](facts).trim()}\n`.replaceAll('\n', '\r\n')

const texts: Readonly<Record<ExportLanguage, (facts: ReadmeFacts) => string>> = {
  en: ({ request, caseReference, liaison, items, masked, key }) => `
Puente: export under a legal request

Request:    ${request}
Case:       ${caseReference}
Liaison:    ${liaison}
Indicators: ${items}, of which ${masked} are masked

FILES
indicators.ndjson  the indicators, one STIX 2.1 object a line
indicators.csv     the same as a table; opens in a spreadsheet
handling.csv       how far each may be shared, and by which rules it was given
manifest.json      the request, the approvals, the agreements, and the SHA-256 of every file and every indicator
manifest.jws       the node's signature of manifest.json
audit-proof.json   that this disclosure stands in the node's audit log

HOW TO VERIFY
With Puente, without a network:
    puente export verify FILE.zip --key '${key}'
In a browser, with nothing installed and without a network: open verify-package.html from a disk, and give it this file and the key.
Get the key and that page (/docs/verify-package.html of a node, or "puente export page") by another way than this file, and compare the
key. Any change of one byte is found and named.

WHAT YOU OWE
Use it for the case and the purpose of the request, and for nothing else.
Share it no further than the label of each indicator allows (TLP 2.0, handling.csv):
  TLP:CLEAR          with anyone
  TLP:GREEN          within the community, not in public
  TLP:AMBER          within your organisation and its clients, where they need to know
  TLP:AMBER+STRICT   within your organisation only
  TLP:RED            is never in an export
A masked value is a digest to test with. Do not try to recover what it stands for.
When you are told that an indicator was taken back, delete it or stop using it, and confirm that to the node.
`,
  es: ({ request, caseReference, liaison, items, masked, key }) => `
Puente: exportación bajo una solicitud legal

Solicitud:   ${request}
Causa:       ${caseReference}
Enlace:      ${liaison}
Indicadores: ${items}, de los cuales ${masked} están enmascarados

ARCHIVOS
indicators.ndjson  los indicadores, un objeto STIX 2.1 por línea
indicators.csv     lo mismo como tabla; se abre en una hoja de cálculo
handling.csv       hasta dónde se puede compartir cada uno, y según qué reglas se entregó
manifest.json      la solicitud, las aprobaciones, los acuerdos, y el SHA-256 de cada archivo y de cada indicador
manifest.jws       la firma del nodo sobre manifest.json
audit-proof.json   que esta entrega consta en el registro de auditoría del nodo

CÓMO VERIFICAR
Con Puente, sin red:
    puente export verify ARCHIVO.zip --key '${key}'
En un navegador, sin instalar nada y sin red: abra verify-package.html desde un disco, e indique este archivo y la clave.
Obtenga la clave y esa página (/docs/verify-package.html de un nodo, o "puente export page") por otra vía que este archivo, y compare la
clave. Todo cambio de un byte se detecta y se nombra.

SUS DEBERES
Úselo para la causa y el fin de la solicitud, y para nada más.
No lo comparta más allá de lo que permite la etiqueta de cada indicador (TLP 2.0, handling.csv):
  TLP:CLEAR          con cualquiera
  TLP:GREEN          dentro de la comunidad, no en público
  TLP:AMBER          dentro de su organización y de sus clientes, según necesiten saberlo
  TLP:AMBER+STRICT   solo dentro de su organización
  TLP:RED            nunca está en una exportación
Un valor enmascarado es un resumen criptográfico para comparar. No intente recuperar lo que representa.
Cuando se le avise que un indicador fue retirado, bórrelo o deje de usarlo, y confírmelo al nodo.
`,
  pt: ({ request, caseReference, liaison, items, masked, key }) => `
Puente: exportação sob um pedido legal

Pedido:      ${request}
Caso:        ${caseReference}
Ligação:     ${liaison}
Indicadores: ${items}, dos quais ${masked} estão mascarados

ARQUIVOS
indicators.ndjson  os indicadores, um objeto STIX 2.1 por linha
indicators.csv     o mesmo como tabela; abre em uma planilha
handling.csv       até onde cada um pode ser compartilhado, e por quais regras foi entregue
manifest.json      o pedido, as aprovações, os acordos, e o SHA-256 de cada arquivo e de cada indicador
manifest.jws       a assinatura do nó sobre manifest.json
audit-proof.json   que esta entrega consta no registro de auditoria do nó

COMO VERIFICAR
Com o Puente, sem rede:
    puente export verify ARQUIVO.zip --key '${key}'
Em um navegador, sem instalar nada e sem rede: abra verify-package.html de um disco, e indique este arquivo e a chave.
Obtenha a chave e essa página (/docs/verify-package.html de um nó, ou "puente export page") por outra via que este arquivo, e compare a
chave. Toda mudança de um byte é encontrada e nomeada.

SEUS DEVERES
Use para o caso e a finalidade do pedido, e para nada mais.
Não compartilhe além do que permite o rótulo de cada indicador (TLP 2.0, handling.csv):
  TLP:CLEAR          com qualquer pessoa
  TLP:GREEN          dentro da comunidade, não em público
  TLP:AMBER          dentro da sua organização e de seus clientes, conforme precisem saber
  TLP:AMBER+STRICT   somente dentro da sua organização
  TLP:RED            nunca está em uma exportação
Um valor mascarado é um resumo criptográfico para comparar. Não tente recuperar o que ele representa.
Quando for avisado de que um indicador foi retirado, apague-o ou deixe de usá-lo, e confirme isso ao nó.
`,
}
